from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from facetkit.settings import read
from vision_models.settings import Settings

ALL = ("blip", "blip2", "gemma", "intern_vlm")


def settings(**changes: Any) -> Settings:
    return Settings(**{"_env_file": None, **changes})


def test_of_the_full_models_one_fits_of_the_demo_ones_all() -> None:
    assert (settings().capacity, settings(facet_models="full").capacity) == (4, 1)
    assert settings(model_capacity=2).capacity == 2


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("", {}),
        ("600", dict.fromkeys(ALL, 600)),
        (" gemma:600, blip2:30 ", {"gemma": 600, "blip2": 30}),
    ],
)
def test_idle_seconds_for_all_or_by_model(told: str, seconds: dict[str, float]) -> None:
    assert settings(model_ttl_s=told).model_ttl_s == seconds


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("model_ttl_s", "abc"),
        ("model_ttl_s", "gpt:3"),
        ("model_ttl_s", "blip:"),
        ("model_ttl_s", "blip:-1"),
        ("model_ttl_s", "0"),
        ("model_capacity", "0"),
        ("model_capacity", "5"),
        ("model_pinned", "gpt"),
        ("vision_families", "none"),
        ("vision_caption_dtype", "int8"),
        ("redis_port", "99999"),
        ("cache_ttl_seconds", "0"),
        ("common_objects", "# none"),
        ("common_objects", "ring," + "x" * 201),
        ("common_objects", ",".join(map(str, range(1001)))),
    ],
)
def test_wrong_values_are_refused(variable: str, value: str) -> None:
    with pytest.raises(ValidationError) as refused:
        settings(**{variable: value})
    assert refused.value.errors()[0]["loc"][0] == variable


def test_common_objects_come_from_a_list_or_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings().common_objects == settings(common_objects="").common_objects == ()
    assert settings(common_objects="ring, gold ring").common_objects == ("ring", "gold ring")
    file = tmp_path / "objects.txt"
    file.write_text("# mine\nring\n\ngold ring\n", encoding="utf-8")
    monkeypatch.setenv("COMMON_OBJECTS_FILE", str(file))
    assert settings().common_objects == ("ring", "gold ring")


def test_common_objects_over_a_limit_stop_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COMMON_OBJECTS", "ring," + "x" * 201)
    with pytest.raises(SystemExit):
        read(Settings)
    said = capsys.readouterr().err
    assert said == "COMMON_OBJECTS: label 2 must have 1 to 200 characters, has 201\n"


def test_more_pinned_models_than_fit_are_refused() -> None:
    with pytest.raises(ValidationError, match="MODEL_PINNED names 2 models, MODEL_CAPACITY is 1"):
        settings(model_pinned="blip,gemma", model_capacity=1)


def test_a_family_has_the_common_placement_or_its_own() -> None:
    made = settings(vision_device="cuda:0", vision_dtype="fp16", vision_caption_device="cuda:1")
    assert made.placement("embedding") == {"device": "cuda:0", "dtype": "fp16"}
    assert made.placement("caption") == {"device": "cuda:1", "dtype": "fp16"}


def test_no_redis_can_be_asked_for() -> None:
    assert settings().shared_cache_host == "localhost"
    assert settings(redis_host="none").shared_cache_host == ""
