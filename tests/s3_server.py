"""A server that speaks S3 in a process of its own, and a proxy before it that fails at will."""

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import count
from urllib.parse import quote

from facetkit.s3_connection import S3Access

ACCESS_KEY_ID = "AKIDEXAMPLE"
SECRET_ACCESS_KEY = "an example of a secret"

_MOTO = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


@dataclass
class S3Server:
    """moto on `port`. It keeps conditions, but not against races, and asks for no signature."""

    port: int
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"http://127.0.0.1:{self.port}"

    def bucket(self) -> str:
        """The name of a new bucket."""
        name = f"bucket-{next(self._numbers)}"
        self._put(f"/{name}", {})
        return name

    def put(self, bucket: str, key: str, headers: Mapping[str, str] | None = None) -> None:
        """Stores an empty object as others would: under any key, with any headers."""
        self._put(f"/{bucket}/{quote(key)}", headers or {})

    def _put(self, path: str, headers: Mapping[str, str]) -> None:
        connection = HTTPConnection("127.0.0.1", self.port)
        connection.request("PUT", path, b"", dict(headers))
        with closing(connection):
            assert connection.getresponse().status == 200


def access(endpoint_url: str) -> S3Access:
    """An access with credentials."""
    return S3Access(endpoint_url, "us-east-1", ACCESS_KEY_ID, SECRET_ACCESS_KEY)


@contextmanager
def running_s3() -> Iterator[S3Server]:
    """A server, until the block ends."""
    command = [sys.executable, "-c", _MOTO]
    pipe, silence = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=silence, text=True) as process:
        assert process.stdout
        yield S3Server(int(process.stdout.readline()))
        process.kill()


@dataclass(frozen=True)
class Request:
    """What a client sent: its first line, and everything; `left` waits until the client is gone."""

    line: str
    content: bytes
    left: Callable[[], Awaitable[object]]


@dataclass
class FaultProxy:
    """A server at `port` before an S3Server. `faults` are for the coming requests, one for each.

    A fault gets the request and answers in the server's place; None lets the request through.
    `always` is for requests after those.
    """

    server: S3Server
    port: int = 0
    faults: list["Fault | None"] = field(default_factory=list)
    always: "Fault | None" = None
    requests: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"http://127.0.0.1:{self.port}"

    async def forward(self, request: Request) -> bytes:
        """The server's answer to the request."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        writer.write(request.content)
        answer = await reader.read()
        writer.close()
        return answer

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request and its answer."""
        request = await _request(reader, writer)
        self.requests.append(request.line)
        fault = self.faults.pop(0) if self.faults else self.always
        writer.write(await fault(self, request) if fault else await self.forward(request))
        writer.close()


Fault = Callable[[FaultProxy, Request], Awaitable[bytes]]


def answering(status: int, code: str = "", body: str = "") -> Fault:
    """Answers this instead of asking the server."""

    async def fault(proxy: FaultProxy, request: Request) -> bytes:
        text = body or f"<Error><Code>{code}</Code><Message>secret text</Message></Error>"
        content = b"" if request.line.startswith("HEAD") else text.encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n"
        return head.encode() + content

    return fault


def losing_the_answer(status: int = 500) -> Fault:
    """Lets the server do what is asked, and answers that it failed."""

    async def fault(proxy: FaultProxy, request: Request) -> bytes:
        await proxy.forward(request)
        return await answering(status, "InternalError")(proxy, request)

    return fault


def cutting(kept_bytes: int) -> Fault:
    """Breaks the answer off so many bytes before its end."""

    async def fault(proxy: FaultProxy, request: Request) -> bytes:
        return (await proxy.forward(request))[:-kept_bytes]

    return fault


def never() -> Fault:
    """Answers nothing for as long as the client waits."""

    async def fault(proxy: FaultProxy, request: Request) -> bytes:
        await request.left()
        return b""

    return fault


def after(change: Callable[[], Awaitable[object]]) -> Fault:
    """Changes something at the server, then asks it."""

    async def fault(proxy: FaultProxy, request: Request) -> bytes:
        await change()
        return await proxy.forward(request)

    return fault


async def _request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request:
    head = await reader.readuntil(b"\r\n\r\n")
    if re.search(rb"(?i)\r\nexpect: *100-continue", head):
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    size = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    body = await reader.readexactly(int(size[1])) if size else b""
    line, _, headers = head.partition(b"\r\n")
    # The answer's end is then the connection's.
    headers = b"Connection: close\r\n" + re.sub(
        rb"(?i)(connection|expect):[^\r]*\r\n", b"", headers
    )
    return Request(line.decode(), line + b"\r\n" + headers + body, reader.read)


@asynccontextmanager
async def fault_proxy(server: S3Server) -> AsyncIterator[FaultProxy]:
    """A proxy before `server`, until the block ends."""
    proxy = FaultProxy(server)
    listener = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = listener.sockets[0].getsockname()[1]
    yield proxy
    listener.close()
