import asyncio

import pytest

from facetkit.errors import NotReady
from tests.vision_models.fakes import FakeEmbedder
from vision_models.domain import Embedder
from vision_models.kept_model import KeptModel


@pytest.fixture
def kept() -> KeptModel[Embedder]:
    return KeptModel("embedding")


def refused(kept: KeptModel[Embedder]) -> NotReady:
    """What is raised where there is no model."""
    with pytest.raises(NotReady) as raised:
        kept.get()
    return raised.value


async def until_tried(kept: KeptModel[Embedder]) -> None:
    while kept.health.reason == "loading":
        await asyncio.sleep(0.01)


def test_until_it_is_loaded_it_says_so(kept: KeptModel[Embedder]) -> None:
    error = refused(kept)
    assert error.message == "the embedding model is not ready: loading"
    assert error.retry_after_s == 2
    assert not kept.health.ready


async def test_a_loaded_model_is_there(kept: KeptModel[Embedder]) -> None:
    model = FakeEmbedder()
    await kept.keep(lambda: model)
    assert kept.get() is model
    assert (kept.health.ready, kept.health.reason) == (True, "")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (NotReady("no weights in x"), "no weights in x"),
        (RuntimeError("secret path"), "its weights cannot be loaded; see the log"),
    ],
)
async def test_what_keeps_it_from_loading_is_told(
    kept: KeptModel[Embedder], error: Exception, reason: str
) -> None:
    def load() -> Embedder:
        raise error

    keeping = asyncio.create_task(kept.keep(load))
    await until_tried(kept)
    assert kept.health.reason == reason
    assert refused(kept).message == f"the embedding model is not ready: {reason}"
    keeping.cancel()


def test_another_model_takes_its_place(kept: KeptModel[Embedder]) -> None:
    first, second = FakeEmbedder(), FakeEmbedder(dimensions=8)
    kept.put(first)
    kept.put(second)
    assert kept.get() is second
