from typing import Any

import pytest
from pydantic import ValidationError

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
    ],
)
def test_wrong_values_are_refused(variable: str, value: str) -> None:
    with pytest.raises(ValidationError) as refused:
        settings(**{variable: value})
    assert refused.value.errors()[0]["loc"][0] == variable


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
