"""What chat captioners do beyond the contract of all captioners."""

from pathlib import Path
from typing import cast

import pytest

from facetkit.errors import InvalidInput
from tests.contracts.captioners import CHATS, loaded, picture
from vision_models.domain import ChatCaptioner

QUESTION = "is there a ring in the picture?"


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp() / "captioners"


@pytest.fixture(params=CHATS)
def chat(request: pytest.FixtureRequest, models_dir: Path) -> ChatCaptioner:
    return cast(ChatCaptioner, loaded(models_dir, request.param, "fp32"))


def test_several_pictures_are_captioned_together(chat: ChatCaptioner) -> None:
    pictures = [picture(seed) for seed in range(3)]
    batch = [chat.prepare(pictures[turn:] + pictures[:turn], "") for turn in range(3)]
    assert len({element.shape for element in batch}) == 1
    together = chat.caption(batch)
    assert len(set(together)) >= 2
    assert together == [chat.caption([element])[0] for element in batch]


def test_the_number_of_pictures_is_part_of_the_shape(chat: ChatCaptioner) -> None:
    shapes = {chat.prepare([picture(0)] * count, "").shape for count in (1, 2, 3)}
    assert len(shapes) == 3


def test_answers_are_probabilities(chat: ChatCaptioner) -> None:
    batch = [chat.prepare_question([picture(seed)], QUESTION) for seed in range(6)]
    answers = chat.affirm(batch)
    assert all(0 <= answer <= 1 for answer in answers)
    assert max(answers) - min(answers) > 0.001


def test_a_batch_of_questions_equals_each_alone(chat: ChatCaptioner) -> None:
    batch = [chat.prepare_question([picture(seed)], QUESTION) for seed in range(4)]
    alone = [chat.affirm([element])[0] for element in batch]
    assert chat.affirm(batch) == pytest.approx(alone, abs=1e-4)


def test_a_question_may_be_about_several_pictures(chat: ChatCaptioner) -> None:
    [answer] = chat.affirm([chat.prepare_question([picture(0), picture(1)], QUESTION)])
    assert 0 <= answer <= 1


def test_a_question_over_the_models_length_is_refused(chat: ChatCaptioner) -> None:
    with pytest.raises(InvalidInput, match=r"at most \d+") as raised:
        chat.prepare_question([picture(0)], "ring " * 2000)
    assert list(raised.value.fields) == ["flag_caption_prompt"]
