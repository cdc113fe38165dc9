import asyncio
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyDetail
from google.rpc import error_details_pb2

from facetkit.errors import (
    ERROR_KINDS,
    Deadline,
    FacetError,
    InvalidInput,
    NotFound,
    Overloaded,
    TooLarge,
    Unavailable,
)
from facetkit.testing import serving
from facetkit.wire_errors import to_status
from tests.facetkit.fake_embedding import Request, Response, echoing, embed, fake, raising


async def crossed(error: BaseException) -> FacetError:
    """`error` as a caller over a real hop sees it."""
    async with serving(raising(error).service) as client:
        with pytest.raises(FacetError) as caught:
            await embed(client)
    return caught.value


@pytest.mark.parametrize("retry_after_s", [None, 0.25, 1.1, 90.0])
@pytest.mark.parametrize("cls", [*ERROR_KINDS, FacetError], ids=lambda cls: cls.__name__)
async def test_every_class_crosses_whole(
    cls: type[FacetError], retry_after_s: float | None
) -> None:
    fields = {"texts[3]": "is empty", "größe": "zu groß ☃"}
    seen = await crossed(
        cls("no hat: größer ☃\nthan 1 %", fields=fields, retry_after_s=retry_after_s)
    )
    assert type(seen) is cls
    assert seen.message == "no hat: größer ☃\nthan 1 %"
    assert seen.fields == fields
    assert seen.retry_after_s == retry_after_s


async def test_a_time_in_the_past_is_now() -> None:
    assert (await crossed(Overloaded("full", retry_after_s=-0.5))).retry_after_s == 0


@pytest.mark.parametrize(
    "error",
    [
        ValueError("secret /srv/key"),
        KeyError("secret"),
        TimeoutError("secret"),
        OSError(2, "secret"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_an_unknown_exception_tells_nothing(error: Exception) -> None:
    seen = await crossed(error)
    assert type(seen) is FacetError
    assert seen.message == "internal error"
    assert "secret" not in repr(seen.__cause__)


async def test_a_class_outside_the_table_crosses_as_its_parent() -> None:
    class NoSuchHat(NotFound):
        pass

    seen = await crossed(NoSuchHat("gone"))
    assert (type(seen), seen.message) == (NotFound, "gone")


@pytest.mark.parametrize("text", ["x" * 50_000, "☃" * 20_000, "\n" * 20_000])
async def test_a_long_message_is_cut(text: str) -> None:
    seen = await crossed(NotFound(text))
    assert type(seen) is NotFound
    assert text.startswith(seen.message)
    assert len(seen.message.encode()) > 990


async def test_of_too_many_fields_the_first_are_named() -> None:
    fields = {f"texts[{index}]": "must have 1 to 2,000 characters ☃" for index in range(256)}
    seen = await crossed(InvalidInput("☃" * 1000, fields=fields))
    assert type(seen) is InvalidInput
    assert list(seen.fields.items()) == list(fields.items())[: len(seen.fields)]
    assert len(seen.fields) > 20


async def test_text_that_is_no_unicode_crosses() -> None:
    seen = await crossed(NotFound("no \udce9t\udce9", fields={"\udce9": "\udce9"}))
    assert (type(seen), seen.message, seen.fields) == (NotFound, "no ?t?", {"?": "?"})


def test_details_name_the_reason_for_any_client() -> None:
    status = to_status(TooLarge("big", fields={"image": "is big"}, retry_after_s=1.5))
    info, retry, bad = (
        error_details_pb2.ErrorInfo(),
        error_details_pb2.RetryInfo(),
        error_details_pb2.BadRequest(),
    )
    unpacked = [unpack(detail, info, retry, bad) for detail in status.details]
    assert unpacked == ["ErrorInfo", "RetryInfo", "BadRequest"]
    assert (info.reason, info.domain) == ("too_large", "facet")
    assert retry.retry_delay.ToMilliseconds() == 1500
    assert bad.field_violations[0].field == "image"


def unpack(detail: AnyDetail, *kinds: Any) -> str:
    return next(str(kind.DESCRIPTOR.name) for kind in kinds if detail.Unpack(kind))


@pytest.mark.parametrize(
    ("code", "cls"),
    [
        (grpc.StatusCode.DEADLINE_EXCEEDED, Deadline),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, Overloaded),
        (grpc.StatusCode.CANCELLED, Unavailable),
        (grpc.StatusCode.DATA_LOSS, FacetError),
        (grpc.StatusCode.UNKNOWN, FacetError),
    ],
)
async def test_a_bare_status_becomes_the_nearest_class(
    code: grpc.StatusCode, cls: type[FacetError]
) -> None:
    async def handler(request: Request, context: Any) -> Response:
        await context.abort(code, "secret")
        raise AssertionError("abort raises")

    async with serving(fake(handler)) as client:
        with pytest.raises(FacetError) as caught:
            await embed(client)
    assert type(caught.value) is cls
    assert "secret" not in caught.value.message


async def test_what_somebody_else_cancelled_is_an_error_too() -> None:
    async def handler(request: Request, context: Any) -> Response:
        dropped: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        dropped.cancel()
        return await dropped

    async with serving(fake(handler)) as client:
        with pytest.raises(FacetError) as caught:
            await embed(client, timeout_s=10)
    assert (type(caught.value), caught.value.message) == (FacetError, "internal error")


async def test_an_answer_that_cannot_be_sent_is_an_error() -> None:
    async def handler(request: Request, context: Any) -> Response:
        return None  # type: ignore[return-value]

    async with serving(fake(handler)) as client:
        with pytest.raises(FacetError, match="internal error") as caught:
            await embed(client)
    assert type(caught.value) is FacetError


async def test_a_server_goes_on_after_an_error() -> None:
    async with serving(echoing().service) as client:
        with pytest.raises(FacetError):
            await embed(client, timeout_s=0)
        assert await embed(client, "cap") == "cap"
