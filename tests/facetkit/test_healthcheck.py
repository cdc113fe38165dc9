import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest

from facetkit.health import Health
from facetkit.server import FacetServer
from tests.facetkit.fake_embedding import (
    SERVICE_NAME,
    echoing,
    listening,
    running,
    silent,
)
from tests.ports import free_port

READY = Health(ready=True)
WARMING = Health(ready=False, reason="weights missing")


async def checked(*arguments: str) -> tuple[int, str]:
    """Exit code and stderr of the command; a proxy that is not there must not matter."""
    proxy = f"http://127.0.0.1:{free_port()}"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "facetkit.healthcheck", *arguments),
        env={**os.environ, "http_proxy": proxy, "HTTP_PROXY": proxy, "no_proxy": ""},
        stderr=asyncio.subprocess.PIPE,
    )
    _, stderr = await process.communicate()
    assert process.returncode is not None
    return process.returncode, stderr.decode()


async def checked_page(answer: bytes, path: str = "/healthz") -> tuple[int, str]:
    """Checks a page that answers so; the port in stderr becomes PORT."""

    async def page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        assert request.startswith(f"GET {path} HTTP/1.1\r\n".encode())
        writer.write(answer)
        await writer.drain()

    async with listening(page) as port:
        code, stderr = await checked(f"http://127.0.0.1:{port}{path}")
    return code, stderr.replace(str(port), "PORT")


@asynccontextmanager
async def without_health() -> AsyncIterator[str]:
    """The target of a gRPC server that serves no health."""
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(0)


async def test_what_a_service_reports_is_the_exit_code() -> None:
    server = FacetServer()
    async with running(server, echoing().service) as port:
        target = f"127.0.0.1:{port}"
        await server.health.report(SERVICE_NAME, WARMING)
        assert await checked(target) == (1, f"{target}: weights missing\n")
        assert await checked(target, SERVICE_NAME) == (1, f"{target}: weights missing\n")
        await server.health.report(SERVICE_NAME, READY)
        assert await checked(target) == (0, "")
        assert await checked(target, SERVICE_NAME) == (0, "")


async def test_one_service_is_ready_while_another_is_not() -> None:
    server = FacetServer()
    async with running(server, echoing().service) as port:
        await server.health.report(SERVICE_NAME, READY)
        await server.health.report("hats", Health(ready=False))
        target = f"127.0.0.1:{port}"
        assert await checked(target, SERVICE_NAME) == (0, "")
        assert await checked(target, "hats") == (1, f"{target}: not serving\n")
        code, stderr = await checked(target, "shoes")
        assert (code, "NOT_FOUND" in stderr) == (1, True)


async def test_a_server_without_health_is_well_only_where_that_is_said() -> None:
    async with without_health() as target:
        code, stderr = await checked(target)
        assert (code, "UNIMPLEMENTED" in stderr) == (1, True)
        assert await checked(target, "--any-answer") == (0, "")


@pytest.mark.parametrize("more", [(), ("--any-answer",)])
async def test_nobody_there(more: tuple[str, ...]) -> None:
    target = f"127.0.0.1:{free_port()}"
    code, stderr = await checked(target, *more)
    assert (code, "UNAVAILABLE" in stderr) == (1, True)
    assert len(stderr.splitlines()) == 1


@pytest.mark.parametrize("form", ["{target}", "http://{target}/healthz"])
async def test_somebody_who_never_answers(form: str) -> None:
    async with listening(silent) as port:
        target = form.format(target=f"127.0.0.1:{port}")
        code, stderr = await checked(target, "--any-answer", "--timeout-s", "0.2")
    assert code == 1
    assert stderr.startswith(target)
    assert len(stderr.splitlines()) == 1


async def test_a_page_that_answers_200() -> None:
    assert await checked_page(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") == (0, "")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "HTTP 503"),
        (b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", "HTTP 302"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH-2.0-OpenSSH_9.2"),
        (b"", "Remote end closed connection without response"),
    ],
    ids=["not ready", "elsewhere", "no HTTP", "nothing"],
)
async def test_a_page_that_does_not(answer: bytes, reason: str) -> None:
    code, stderr = await checked_page(answer)
    assert (code, stderr.strip()) == (1, f"http://127.0.0.1:PORT/healthz: {reason}")


async def test_no_page_there() -> None:
    code, stderr = await checked(f"http://127.0.0.1:{free_port()}/healthz")
    assert (code, "refused" in stderr) == (1, True)
