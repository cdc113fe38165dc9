"""The only way a Facet service fetches a caller's URL."""

import asyncio
import ssl
import zlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import certifi
import httpcore
import structlog

from facetkit.addresses import AddressPolicy, Resolver, SystemResolver, Target, parse_target
from facetkit.errors import Deadline, InvalidInput, TooLarge, Upstream

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ZLIB_OR_GZIP = zlib.MAX_WBITS | 32
_FAILURES = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    OSError,
    UnicodeError,
    zlib.error,
)

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a URL holds.

    `content_type` is the server's word ("" if it gave none), `url` where redirects ended.
    """

    content: bytes
    content_type: str
    url: str


class SafeFetcher:
    """Fetches callers' URLs from public addresses alone, within bounds.

    `max_bytes` bounds the decoded content, `timeout_s` the whole of one fetch in seconds;
    `allow` names exact `host:port` pairs free of the address and port rules. `tls` replaces the
    public certificate authorities. Environment variables and proxies are not looked at.
    """

    def __init__(
        self,
        *,
        max_bytes: int,
        timeout_s: float,
        allow: Collection[str] = (),
        max_redirects: int = 3,
        resolver: Resolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._max_redirects = max_redirects
        self._policy = AddressPolicy(allow, resolver or SystemResolver())
        self._tls = tls or ssl.create_default_context(cafile=certifi.where())

    async def fetch(self, url: str) -> Fetched:
        """The content of `url`.

        Raises InvalidInput for a URL that may not be fetched, TooLarge, Upstream for a failed or
        useless answer, and Deadline.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._follow(parse_target(url))
        except TimeoutError as error:
            raise Deadline(
                f"the URL did not answer in full within {self._timeout_s:g} s"
            ) from error

    async def aclose(self) -> None:
        """Nothing outlives a fetch; here so that callers need not know that."""

    async def _follow(self, target: Target) -> Fetched:
        for _ in range(self._max_redirects + 1):
            found = await self._hop(target)
            if isinstance(found, Fetched):
                return found
            target = found
        raise InvalidInput(f"the URL redirects too often (at most {self._max_redirects})")

    async def _hop(self, target: Target) -> Fetched | Target:
        addresses = await self._policy.addresses(target)
        backend = _PinnedBackend(addresses, self._timeout_s / len(addresses))
        pool = httpcore.AsyncConnectionPool(ssl_context=self._tls, network_backend=backend)
        try:
            async with pool, pool.stream("GET", _url(target), headers=_headers(target)) as response:
                return await self._read(target, response)
        except _FAILURES as error:
            _log.info("fetch_failed", host=target.host, error=repr(error))
            raise Upstream("the URL could not be fetched") from error
        finally:
            await backend.aclose()

    async def _read(self, target: Target, response: httpcore.Response) -> Fetched | Target:
        headers = {name.lower(): value for name, value in response.headers}
        if response.status in _REDIRECTS and b"location" in headers:
            return parse_target(headers[b"location"].decode("utf-8", "replace"), target)
        if response.status != 200:
            raise Upstream(f"the URL answered with status {response.status}")
        body = _Body(headers.get(b"content-encoding", b""), self._max_bytes)
        body.expect(int(headers.get(b"content-length", b"0")))
        async for chunk in response.aiter_stream():
            body.add(chunk)
            # Thousands of tiny chunks can come in one packet: let others, and the deadline, run.
            await asyncio.sleep(0)
        content_type = headers.get(b"content-type", b"").decode("latin-1")
        return Fetched(body.content(), content_type, target.url)


def _url(target: Target) -> httpcore.URL:
    return httpcore.URL(
        scheme=target.scheme, host=target.host, port=target.port, target=target.path
    )


def _headers(target: Target) -> list[tuple[str, str]]:
    return [
        ("Host", target.authority),
        ("User-Agent", "facet"),
        ("Accept", "*/*"),
        ("Accept-Encoding", "identity"),
        ("Connection", "close"),
    ]


class _PinnedBackend(httpcore.AsyncNetworkBackend):
    """Connects to the given addresses whatever name is asked for, so no name is looked up twice."""

    def __init__(self, addresses: Sequence[str], patience_s: float) -> None:
        self._addresses = addresses
        self._patience_s = patience_s
        self._network = httpcore.AnyIOBackend()
        self._opened: list[httpcore.AsyncNetworkStream] = []

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the first address that takes one; each but the last has its share."""
        for address in self._addresses[:-1]:
            try:
                return await self._open(address, port, self._patience_s)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                _log.info("fetch_address_failed", host=host, address=address, error=repr(error))
        return await self._open(self._addresses[-1], port, timeout)

    async def _open(
        self, address: str, port: int, timeout: float | None
    ) -> httpcore.AsyncNetworkStream:
        stream = await self._network.connect_tcp(address, port, timeout)
        self._opened.append(stream)
        return stream

    async def aclose(self) -> None:
        # A cancelled TLS handshake leaves its connection to nobody else.
        for stream in self._opened:
            await stream.aclose()


class _Body:
    """Gathers a body, decoded, and stops at `max_bytes` before or after decoding."""

    def __init__(self, encoding: bytes, max_bytes: int) -> None:
        encoding = encoding.strip().lower()
        if encoding not in (b"", b"identity", b"gzip", b"x-gzip", b"deflate"):
            raise httpcore.RemoteProtocolError(f"content encoding {encoding!r}")
        plain = encoding in (b"", b"identity")
        self._inflater = None if plain else zlib.decompressobj(wbits=_ZLIB_OR_GZIP)
        self._max_bytes = max_bytes
        self._received = 0
        self._content = bytearray()

    def expect(self, size: int) -> None:
        if size > self._max_bytes:
            raise TooLarge(f"the URL's content is larger than {self._max_bytes} bytes")

    def add(self, chunk: bytes) -> None:
        self._received += len(chunk)
        self.expect(self._received)
        if self._inflater:
            # One byte more than fits is enough to know, and bounds what a bomb may unfold.
            chunk = self._inflater.decompress(chunk, self._max_bytes - len(self._content) + 1)
        self._content += chunk
        self.expect(len(self._content))

    def content(self) -> bytes:
        if self._inflater and (not self._inflater.eof or self._inflater.unused_data):
            raise httpcore.RemoteProtocolError("the compressed body does not end where it should")
        return bytes(self._content)
