from base64 import b64encode

import pytest

from tests.gateway.running import Gateway, running_gateway
from tests.gateway.test_generate import PATH, PROMPT, post
from tests.pictures import jpeg

POSITIVE = "must be a positive number."
HUGE = 10**400
NOT_FINITE = (float("nan"), float("inf"), float("-inf"))


@pytest.mark.parametrize("field", ["samples", "cfg", "height", "width", "strength"])
async def test_what_is_no_positive_number(gateway: Gateway, field: str) -> None:
    no_numbers: list[object] = [None, True, False, "30", "", [30], {}, *NOT_FINITE]
    not_positive = [0, 0.0, -0.0, -1, -0.5, -HUGE, 1e-50]
    for value in (*no_numbers, *not_positive):
        await refused(gateway, {field: value}, field, POSITIVE)


@pytest.mark.parametrize("field", ["samples", "cfg", "height", "width", "strength"])
async def test_numbers_too_large_for_any_type(gateway: Gateway, field: str) -> None:
    headers = {"Content-Type": "application/json"}
    text = f'{{"prompt": "a", "{field}": 1e400}}'
    answer = await gateway.http.post(PATH, content=text, headers=headers)
    assert answer.json()["fields"] == {field: POSITIVE}
    answer = await post(gateway, PROMPT | {field: HUGE})
    assert answer.status_code == 400
    assert answer.json()["fields"][field].startswith("must be at most ")


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("samples", 30.5, "must be a whole number."),
        ("samples", 0.5, "must be a whole number."),
        ("samples", 151, "must be at most 150."),
        ("cfg", 30.01, "must be at most 30."),
        ("height", 100.5, "must be a whole number."),
        ("height", 100, "must be a multiple of 8."),
        ("height", 56, "must be at least 64."),
        ("width", 1032, "must be at most 1024."),
        ("width", 1e300, "must be at most 1024."),
        ("width", 1023.0, "must be a multiple of 8."),
        ("strength", 1.01, "must be at most 1."),
    ],
)
async def test_numbers_out_of_range(
    gateway: Gateway, field: str, value: object, reason: str
) -> None:
    await refused(gateway, {field: value}, field, reason)


@pytest.mark.parametrize(
    ("field", "most", "bad"),
    [
        ("seed", "0 to 4294967295", [-1, 2**32]),
        ("count", "1 to 4", [0, 5, -1]),
    ],
)
async def test_whole_numbers(gateway: Gateway, field: str, most: str, bad: list[int]) -> None:
    no_whole_numbers = [None, True, "1", [1], 1.5, 1e300, *NOT_FINITE]
    for value in (*bad, *no_whole_numbers, HUGE, -HUGE):
        await refused(gateway, {field: value}, field, f"must be a whole number from {most}.")


async def test_the_prompt_is_required(gateway: Gateway) -> None:
    for value in (None, 1, True, ["a"], {"a": 1}, "", " \n\t"):
        await refused(gateway, {"prompt": value}, "prompt", "is required and must be a string.")


async def test_the_prompt_may_not_be_missing(gateway: Gateway) -> None:
    answer = await post(gateway, {})
    assert answer.status_code == 400
    assert answer.json()["error"] == "'prompt' is required and must be a string."
    assert answer.json()["fields"] == {"prompt": "is required and must be a string."}


@pytest.mark.parametrize("field", ["labels", "negative_prompt", "scheduler", "init_image"])
async def test_what_is_no_string(gateway: Gateway, field: str) -> None:
    for value in (None, 1, False, ["a"], {"a": 1}):
        await refused(gateway, {field: value}, field, "must be a string.")


@pytest.mark.parametrize("field", ["prompt", "labels", "negative_prompt", "scheduler"])
async def test_what_is_no_text(gateway: Gateway, field: str) -> None:
    for value in ("a\0b", "\ud800", "a \udfff b", "\udc00\ud800"):
        await refused(gateway, {field: value}, field, "must be valid text.")


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("prompt", "a" * 2001, "must have at most 2000 characters."),
        ("negative_prompt", "a" * 2001, "must have at most 2000 characters."),
        ("scheduler", "a" * 101, "must have at most 100 characters."),
        ("labels", "a" * 201, "must have at most 200 characters each."),
        ("labels", ",".join(map(str, range(1001))), "must have at most 1000 labels."),
        ("labels", ",".join(map(str, range(10_000))), "must have at most 1000 labels."),
    ],
)
async def test_what_is_too_long(gateway: Gateway, field: str, value: str, reason: str) -> None:
    await refused(gateway, {field: value}, field, reason)


async def test_texts_as_long_as_may_be(gateway: Gateway) -> None:
    answer = await post(gateway, {"prompt": "é" * 2000, "negative_prompt": "💍" * 2000})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("image", "status", "code"),
    [
        ("", 400, "invalid_input"),
        ("data:image/png;base64,", 400, "invalid_input"),
        ("?", 400, "invalid_input"),
        ("a" * 5, 400, "invalid_input"),
        ("\ud800", 400, "invalid_input"),
        (b64encode(b"hello").decode(), 415, "unsupported_media"),
        (b64encode(jpeg(1) + bytes(2**20)).decode(), 413, "too_large"),
    ],
)
async def test_bad_images(image: str, status: int, code: str) -> None:
    async with running_gateway(max_upload_bytes=2**20) as gateway:
        answer = await post(gateway, PROMPT | {"init_image": image})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert list(answer.json()["fields"]) == ["init_image"]
    assert not gateway.generation.requests


async def test_all_bad_fields_are_named_and_the_seeds_first_gives_the_message(
    gateway: Gateway,
) -> None:
    bad = {
        "init_image": b64encode(b"hello").decode(),
        "strength": 2,
        "width": -1,
        "height": 100,
        "cfg": "a",
        "samples": 0,
        "labels": 1,
    }
    for first in ("labels", "samples", "cfg", "height", "width"):
        answer = await post(gateway, PROMPT | bad)
        assert answer.status_code == 400
        assert answer.json()["fields"].keys() == bad.keys()
        assert answer.json()["error"] == f"'{first}' {answer.json()['fields'][first]}"
        del bad[first]
    assert not gateway.generation.requests


async def refused(gateway: Gateway, change: dict[str, object], field: str, reason: str) -> None:
    answer = await post(gateway, PROMPT | change)
    assert answer.status_code == 400
    assert answer.json()["error"] == f"'{field}' {reason}"
    assert answer.json()["fields"] == {field: reason}
    assert not gateway.generation.requests
