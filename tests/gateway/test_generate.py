import asyncio
import json
import uuid
from base64 import b64decode, b64encode
from typing import Any

import httpx
import pytest

from facetkit.errors import (
    FacetError,
    InvalidInput,
    NotReady,
    Overloaded,
    Unavailable,
    Unprocessable,
)
from tests.gateway.fake_generation import FIRST_SEED
from tests.gateway.running import KEY, Gateway, running_gateway, served
from tests.gateway.test_time import settled
from tests.pictures import jpeg, png

PATH = "/generate"
ID = "A1b2c3d4-5678-9101-1121-314151617181"
PROMPT = {"prompt": "a gold ring"}


async def post(gateway: Gateway, body: dict[str, Any], **headers: str) -> httpx.Response:
    # As dumps writes them, NaN and Infinity are no JSON, but callers send them.
    sent = {"Content-Type": "application/json", **headers}
    return await gateway.http.post(PATH, content=json.dumps(body), headers=sent)


async def test_a_picture_with_what_clip_sees_in_it(gateway: Gateway) -> None:
    gateway.embedding.scores = {"city": 0.25, "sunset": 0.75}
    body = {
        "prompt": "A futuristic cityscape at sunset",
        "labels": "city, sunset, futuristic",
        "samples": 50,
        "cfg": 8.0,
        "height": 512,
        "width": 768,
    }
    answer = await post(gateway, body, **{"X-Request-ID": ID})
    assert answer.status_code == 200
    assert answer.json() == {
        "request_id": ID,
        "generated_image": b64encode(png(FIRST_SEED)).decode(),
        "clip_analysis": {
            "concepts": ["sunset", "futuristic", "city"],
            "confidence_scores": {"city": 0.25, "sunset": 0.75, "futuristic": 0.5},
        },
        "seed": FIRST_SEED,
        "negative_prompt": "",
        "prompt_cut": False,
        "samples": 50,
        "cfg": 8.0,
        "height": 512,
        "width": 768,
        "scheduler": "pndm",
        "native_width": 128,
        "native_height": 64,
        "model": "stable-diffusion-v1-5",
        "model_set": "demo",
    }
    [asked] = gateway.embedding.requests
    assert asked.image == png(FIRST_SEED)


async def test_what_is_left_out_has_its_default(gateway: Gateway) -> None:
    answer = await post(gateway, PROMPT)
    [asked] = gateway.generation.requests
    assert (asked.prompt, asked.negative_prompt, asked.scheduler) == ("a gold ring", "", "")
    assert (asked.steps, asked.guidance_scale, asked.count) == (30, 7.5, 1)
    assert (asked.width, asked.height, asked.HasField("seed")) == (512, 512, False)
    assert (asked.init_image, asked.previews) == (b"", False)
    assert asked.strength == pytest.approx(0.8)
    assert answer.json()["samples"] == 30


async def test_what_is_asked_reaches_the_model(gateway: Gateway) -> None:
    start = jpeg(3)
    body = PROMPT | {
        "prompt": "Кольцо 💍",
        "negative_prompt": "silver",
        "samples": 30.0,
        "cfg": 1,
        "height": 64,
        "width": 1024,
        "seed": 2**32 - 2,
        "count": 2,
        "scheduler": "ddim",
        "init_image": "data:image/jpeg;base64," + b64encode(start).decode(),
        "strength": 1,
    }
    answer = await post(gateway, body)
    assert answer.status_code == 200
    [asked] = gateway.generation.requests
    assert (asked.prompt, asked.negative_prompt) == ("Кольцо 💍", "silver")
    assert (asked.steps, asked.guidance_scale, asked.strength) == (30, 1, 1)
    assert (asked.width, asked.height, asked.count) == (1024, 64, 2)
    assert (asked.seed, asked.scheduler, asked.init_image) == (2**32 - 2, "ddim", start)


async def test_a_seed_of_zero_is_a_seed(gateway: Gateway) -> None:
    answer = await post(gateway, PROMPT | {"seed": 0})
    assert gateway.generation.requests[0].HasField("seed")
    assert answer.json()["seed"] == 0


async def test_several_pictures(gateway: Gateway) -> None:
    answer = (await post(gateway, PROMPT | {"count": 3, "seed": 5})).json()
    assert [image["seed"] for image in answer["images"]] == [5, 6, 7]
    assert [b64decode(image["image"]) for image in answer["images"]] == [png(5), png(6), png(7)]
    assert answer["generated_image"] == answer["images"][0]["image"]
    assert len(gateway.embedding.requests) == 1


@pytest.mark.parametrize("labels", [{}, {"labels": ""}, {"labels": " , ,"}])
async def test_without_labels_the_ten_best_common_objects(
    gateway: Gateway, labels: dict[str, str]
) -> None:
    gateway.embedding.scores = {"object 7": 0.9}
    seen = (await post(gateway, PROMPT | labels)).json()["clip_analysis"]
    assert seen["concepts"][0] == "object 7"
    assert len(seen["concepts"]) == len(seen["confidence_scores"]) == 10


async def test_labels_are_trimmed_and_distinct(gateway: Gateway) -> None:
    answer = await post(gateway, PROMPT | {"labels": " ring,, gold ring ,ring,"})
    assert list(gateway.embedding.requests[0].labels) == ["ring", "gold ring"]
    assert answer.json()["clip_analysis"]["confidence_scores"].keys() == {"ring", "gold ring"}


async def test_as_many_labels_as_may_be(gateway: Gateway) -> None:
    labels = [f"{number:0200}" for number in range(1000)]
    answer = await post(gateway, PROMPT | {"labels": ",".join(labels)})
    assert answer.json()["clip_analysis"]["confidence_scores"].keys() == set(labels)


@pytest.mark.parametrize("sent", ["abc", "a1b2c3d456789101112131415161718f", ""])
async def test_the_answers_id_is_a_uuid(gateway: Gateway, sent: str) -> None:
    found = (await post(gateway, PROMPT, **{"X-Request-ID": sent})).json()["request_id"]
    assert str(uuid.UUID(found)) == found


@pytest.mark.parametrize(
    "error",
    [
        NotReady("the model is loading", retry_after_s=3),
        Overloaded("the queue is full", retry_after_s=3),
        Unavailable("a service of the mesh cannot be reached"),
        RuntimeError("a bug"),
    ],
)
async def test_a_picture_is_answered_where_clip_cannot_be(
    gateway: Gateway, error: Exception
) -> None:
    gateway.embedding.fails_with = error
    answer = await post(gateway, PROMPT)
    assert answer.status_code == 200
    assert b64decode(answer.json()["generated_image"]) == png(FIRST_SEED)
    told = str(error) if isinstance(error, FacetError) else "internal error"
    assert answer.json()["clip_analysis"] == {
        "concepts": [],
        "confidence_scores": {},
        "error": told,
    }


async def test_streaming_is_true_or_false(gateway: Gateway) -> None:
    for value in ("", "yess", "2", "null"):
        answer = await gateway.http.post(f"{PATH}?stream={value}", json=PROMPT)
        assert answer.status_code == 400
        assert answer.json()["error"] == "'stream' must be true or false"
    assert not gateway.generation.requests


async def test_without_streaming_the_answer_is_json(gateway: Gateway) -> None:
    answer = await gateway.http.post(f"{PATH}?stream=false", json=PROMPT)
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidInput("'scheduler' must be one of a", fields={"scheduler": "must be a"}), 400),
        (Unprocessable("the image is damaged", fields={"init_image": "is damaged"}), 422),
        (Overloaded("the queue is full", retry_after_s=3), 429),
        (NotReady("the model is loading", retry_after_s=3), 503),
        (RuntimeError("a bug"), 500),
    ],
)
@pytest.mark.parametrize("query", ["", "?stream=true"])
async def test_what_the_model_refuses_is_a_status(
    gateway: Gateway, error: Exception, status: int, query: str
) -> None:
    gateway.generation.fails_with = error
    answer = await gateway.http.post(PATH + query, json=PROMPT)
    assert answer.status_code == status
    told = error.message if isinstance(error, FacetError) else "internal error"
    assert answer.json()["error"] == told
    assert answer.json().get("fields", {}) == getattr(error, "fields", {})
    assert answer.headers.get("Retry-After") == ("3" if status in {429, 503} else None)


async def test_a_failure_on_the_way_is_a_status(gateway: Gateway) -> None:
    gateway.generation.breaks_with = NotReady("the worker hangs", retry_after_s=1)
    assert (await post(gateway, PROMPT)).status_code == 503


async def test_a_call_that_ends_without_a_picture(gateway: Gateway) -> None:
    gateway.generation.ends_early = True
    answer = await post(gateway, PROMPT)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


async def test_the_deadline() -> None:
    async with running_gateway(generate_deadline_s=0.3) as gateway:
        gateway.generation.going.clear()
        answer = await post(gateway, PROMPT)
        await gateway.generation.until_unfinished("a gold ring")
    assert (answer.status_code, answer.json()["code"]) == (504, "deadline")


async def test_pictures_may_take_longer_than_other_calls() -> None:
    async with running_gateway(deadline_s=5, generate_deadline_s=200) as gateway:
        await post(gateway, PROMPT)
    assert 150 < gateway.generation.time_remaining[0] <= 200


async def test_a_key_is_wanted_before_the_body_is_read() -> None:
    async with running_gateway(api_key=KEY) as gateway:
        without = await gateway.http.post(PATH, content=b"not JSON")
        with_key = await post(gateway, PROMPT, **{"X-API-Key": KEY})
    assert (without.status_code, with_key.status_code) == (401, 200)


async def test_a_caller_that_leaves_cancels_its_own_picture_alone(gateway: Gateway) -> None:
    gateway.generation.going.clear()
    async with served(gateway.app) as port, httpx.AsyncClient(timeout=20) as http:
        url = f"http://127.0.0.1:{port}{PATH}"
        leaving = asyncio.create_task(http.post(url, json={"prompt": "leaves"}))
        staying = asyncio.create_task(http.post(url, json={"prompt": "stays"}))
        await gateway.generation.until_asked(2)
        leaving.cancel()
        await gateway.generation.until_unfinished("leaves")
        gateway.generation.going.set()
        answer = await staying
        await asyncio.wait([leaving])
        await settled()
    assert answer.status_code == 200
    assert gateway.generation.unfinished == ["leaves"]
