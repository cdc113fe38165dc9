import asyncio
import resource
from collections.abc import AsyncIterator, Mapping

import httpx
import pytest

from tests.gateway.running import Gateway, read_answer, running_gateway, served
from tests.pictures import jpeg

HEAD = b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
TAIL = b"\r\n--xyz--\r\n"
FORM = {"Content-Type": "multipart/form-data; boundary=xyz"}
CHUNKED = (
    b"POST /api/images HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    b"Content-Type: multipart/form-data; boundary=xyz\r\n\r\n"
)
BIG = 60 * 2**20
MOST_RSS_KB = 48 * 1024


async def pieces(total: int, size: int) -> AsyncIterator[bytes]:
    """A form with a file of about `total` bytes."""
    yield HEAD
    piece = bytes(size)
    for _ in range(total // size):
        yield piece


async def post(
    port: int, content: bytes | AsyncIterator[bytes], headers: Mapping[str, str] = FORM
) -> httpx.Response:
    async with httpx.AsyncClient(timeout=30) as http:
        url = f"http://127.0.0.1:{port}/api/images"
        return await http.post(url, content=content, headers=headers)


async def test_a_declared_60_mb_body_is_refused_unread(gateway: Gateway) -> None:
    async with served(gateway.app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /api/images HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % BIG)
        answer = await read_answer(reader)
        writer.close()
    assert answer.status == 413
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_60_mb_body_is_refused_in_bounded_memory(gateway: Gateway, chunked: bool) -> None:
    headers = FORM if chunked else FORM | {"Content-Length": str(len(HEAD) + BIG)}
    async with served(gateway.app) as port:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        answer = await post(port, pieces(BIG, 2**16), headers)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert answer.status_code == 413
    assert "MiB" in answer.json()["error"]
    assert grown < MOST_RSS_KB
    assert not gateway.search.requests


@pytest.mark.parametrize(("start", "status"), [(HEAD, 413), (b"not a form", 400)])
async def test_a_body_without_end_is_cut_off(start: bytes, status: int) -> None:
    async with running_gateway(max_upload_bytes=2**16) as gateway, served(gateway.app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        sending = asyncio.create_task(send_for_ever(writer, start))
        answer = await read_answer(reader)
        with pytest.raises(ConnectionError):
            await sending
        writer.close()
    assert answer.status == status
    assert answer.headers["connection"] == "close"


async def send_for_ever(writer: asyncio.StreamWriter, start: bytes) -> None:
    writer.write(CHUNKED + b"%x\r\n%b\r\n" % (len(start), start))
    while True:
        writer.write(b"10000\r\n" + bytes(2**16) + b"\r\n")
        await writer.drain()


async def test_the_limit_of_all_bodies_holds_for_every_format() -> None:
    headers = {"Content-Type": "text/plain"}
    async with running_gateway(max_upload_bytes=1) as gateway:
        exact = await gateway.http.post("/upload", content=bytes(2**20 + 1), headers=headers)
        declared = await gateway.http.post("/upload", content=bytes(2**20 + 2), headers=headers)
        chunked = await gateway.http.post("/nowhere", content=pieces(2**21, 2**16))
    assert exact.status_code == 413
    assert "KiB" in exact.json()["error"]
    assert declared.status_code == 413
    assert declared.json()["error"] == "the body is larger than 1 MiB"
    assert chunked.status_code == 404


async def test_a_file_over_the_limit_in_a_body_within_it() -> None:
    async with running_gateway(max_upload_bytes=2**20) as gateway, served(gateway.app) as port:
        answer = await post(port, HEAD + jpeg(1) + bytes(2**20) + TAIL)
    assert answer.status_code == 413
    assert answer.json()["fields"] == {"file": "is larger than 1 MiB"}


async def test_too_many_bytes_in_flight_are_refused_and_freed_again() -> None:
    picture = HEAD + jpeg(1) + bytes(1000) + TAIL
    async with running_gateway(max_inflight_bytes=len(picture) + 100) as gateway:
        gateway.search.stuck = True
        first = asyncio.create_task(gateway.http.post("/api/images", content=picture, headers=FORM))
        await gateway.search.entered.wait()
        declared = await gateway.http.post("/api/images", content=picture, headers=FORM)
        chunked = await gateway.http.post(
            "/api/images", content=pieces(len(picture), 50), headers=FORM
        )
        first.cancel()
        await asyncio.wait([first])
        gateway.search.stuck = False
        after = await gateway.http.post("/api/images", content=picture, headers=FORM)
    for refused in (declared, chunked):
        assert refused.status_code == 429
        assert refused.json()["code"] == "overloaded"
        assert refused.headers["Retry-After"] == "1"
    assert after.status_code == 201


async def test_tiny_chunks_are_put_together(gateway: Gateway) -> None:
    picture = jpeg(1) + bytes(3 * 2**20)
    body = HEAD + picture + TAIL
    size = 3

    async with served(gateway.app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(CHUNKED)
        chunks = [b"3\r\n" + body[at : at + size] + b"\r\n" for at in range(0, len(body) - 2, size)]
        rest = body[len(chunks) * size :]
        writer.write(b"".join(chunks) + (b"%x\r\n%b\r\n" % (len(rest), rest) if rest else b""))
        writer.write(b"0\r\n\r\n")
        answer = await read_answer(reader)
        writer.close()
    assert answer.status == 201
    assert gateway.search.requests[0].image == picture


async def test_single_byte_messages_are_put_together(gateway: Gateway) -> None:
    body = HEAD + jpeg(1) + TAIL

    async def bytewise() -> AsyncIterator[bytes]:
        for byte in body:
            yield bytes([byte])

    answer = await gateway.http.post("/api/images", content=bytewise(), headers=FORM)
    assert answer.status_code == 201
    assert gateway.search.requests[0].image == jpeg(1)
