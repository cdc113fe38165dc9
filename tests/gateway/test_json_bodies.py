import json
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from facetkit.errors import InvalidInput, TooLarge, UnsupportedMedia
from gateway.encoded_images import decoded_image
from gateway.json_bodies import MAX_PARTS
from gateway.json_fields import JsonFields
from tests.gateway.running import Gateway, running_gateway
from tests.pictures import jpeg

PATH = "/generate"
JSON = {"Content-Type": "application/json"}
BODY = b'{"prompt": "a ring"}'
NOT_VALID = "the body is not valid JSON"


async def post(gateway: Gateway, body: bytes) -> httpx.Response:
    return await gateway.http.post(PATH, content=body, headers=JSON)


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON"])
async def test_json_is_known_by_its_content_type(gateway: Gateway, kind: str) -> None:
    answer = await gateway.http.post(PATH, content=BODY, headers={"Content-Type": kind})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json-seq"},
    ],
)
async def test_other_content_types_are_refused(gateway: Gateway, headers: dict[str, str]) -> None:
    answer = await gateway.http.post(PATH, content=BODY, headers=headers)
    assert answer.status_code == 415
    assert answer.json()["error"] == "the body must be application/json"
    assert answer.json()["code"] == "unsupported_media"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"prompt=a",
        b'{"prompt": "a",}',
        b"{'prompt': 'a'}",
        b'{"prompt": "a"} {}',
        b'{"prompt": "\n"}',
        b"\xef\xbb\xbf" + BODY,
        BODY.decode().encode("utf-16"),
        b'{"prompt": "\xff"}',
        b'{"prompt": "\xed\xa0\x80"}',
        b'{"samples": ' + b"9" * 5000 + b"}",
        b"[" * 50_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    ],
)
async def test_what_is_no_json(gateway: Gateway, body: bytes) -> None:
    answer = await post(gateway, body)
    assert (answer.status_code, answer.json()["error"]) == (400, NOT_VALID)
    assert answer.json()["code"] == "invalid_input"


@pytest.mark.parametrize("body", [b"[]", b'"a"', b"1", b"null", b"true", b"NaN"])
async def test_what_is_no_object(gateway: Gateway, body: bytes) -> None:
    answer = await post(gateway, body)
    assert (answer.status_code, answer.json()["error"]) == (400, "the body must be a JSON object")


@pytest.mark.parametrize(
    "body", [b'{"prompt": "a", "prompt": "b"}', b'{"prompt": "a", "x": [{"y": 1, "y": 1}]}']
)
async def test_fields_given_twice(gateway: Gateway, body: bytes) -> None:
    answer = await post(gateway, body)
    assert (answer.status_code, answer.json()["error"]) == (400, "the body names a field twice")


@pytest.mark.parametrize("part", ["[]", "{}", "1", '""'])
async def test_parts_are_counted_before_they_take_memory(gateway: Gateway, part: str) -> None:
    few = ",".join([part] * (MAX_PARTS // 3))
    many = ",".join([part] * (MAX_PARTS + 1))
    accepted = await post(gateway, f'{{"prompt": "a", "x": [{few}]}}'.encode())
    refused = await post(gateway, f'{{"prompt": "a", "x": [{many}]}}'.encode())
    assert accepted.status_code == 200
    assert (refused.status_code, refused.json()["error"]) == (400, "the body has too many parts")


async def test_unknown_fields_are_passed_over(gateway: Gateway) -> None:
    answer = await post(gateway, b'{"prompt": "a", "steps": -1, "x": {"y": [null]}, "": NaN}')
    assert answer.status_code == 200


async def test_bodies_have_a_limit_of_their_own() -> None:
    async def pieces(total: int) -> AsyncIterator[bytes]:
        yield b'{"prompt": "a", "x": "'
        for _ in range(total // 2**16):
            yield b"x" * 2**16
        yield b'"}'

    async with running_gateway(max_upload_bytes=3 * 2**20) as gateway:
        within = await gateway.http.post(PATH, content=pieces(9 * 2**19), headers=JSON)
        chunked = await gateway.http.post(PATH, content=pieces(6 * 2**20), headers=JSON)
        declared = await post(gateway, b'{"prompt": "a"}' + b" " * 5 * 2**20)
    assert within.status_code == 200
    for refused in (chunked, declared):
        assert refused.status_code == 413
        assert refused.json()["error"] == "the body is larger than 5 MiB"


def fault(body: dict[str, Any]) -> InvalidInput:
    fields = JsonFields(body)
    for field in ("image", "photo"):
        with fields.blaming(field):
            decoded_image(fields.value(field), field, max_bytes=12)
    fields.positive("cfg", 1, most=2)
    with pytest.raises(InvalidInput) as raised:
        fields.check()
    return raised.value


FOREIGN = b64encode(b"hello").decode()
LARGE = b64encode(jpeg(1)).decode()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"image": FOREIGN, "photo": FOREIGN}, UnsupportedMedia),
        ({"image": LARGE, "photo": LARGE}, TooLarge),
        ({"image": FOREIGN, "photo": LARGE}, InvalidInput),
        ({"image": FOREIGN, "photo": FOREIGN, "cfg": 3}, InvalidInput),
    ],
)
def test_faults_of_one_kind_keep_it_and_others_are_bad_input(
    body: dict[str, Any], kind: type[InvalidInput]
) -> None:
    found = fault(body)
    assert type(found) is kind
    assert found.fields.keys() == body.keys()
    alone = fault({"image": body["image"], "photo": LARGE})
    assert found.message == alone.message


def test_the_first_fault_of_a_field_counts() -> None:
    fields = JsonFields(json.loads('{"samples": 1e400}'))
    fields.positive("samples", 1, most=2)
    fields.blame("samples", "is odd.")
    with pytest.raises(InvalidInput, match="'samples' must be a positive number"):
        fields.check()


def test_without_faults_nothing_is_raised() -> None:
    fields = JsonFields({"samples": 30.0})
    assert fields.positive_whole("samples", 1, most=150) == 30
    fields.check()
