import asyncio
import gzip
import shutil
import ssl
import subprocess
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest

from facetkit.addresses import is_public, parse_target
from facetkit.errors import Deadline, InvalidInput, TooLarge, Upstream
from facetkit.fetch import SafeFetcher

Answer = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]

PUBLIC = "93.184.215.14"
LIMIT = 10_000

NOT_PUBLIC = [
    "http://127.0.0.1/",
    "http://127.8.9.1:443/",
    "http://localhost/",
    "http://localhost./",
    "http://LOCALHOST/",
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://0/",
    "http://0.0.0.0/",
    "http://10.0.0.1/",
    "http://172.16.3.4/",
    "http://192.168.1.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.64.0.1/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "http://192.0.0.192/",
    "http://192.0.2.1/",
    "http://192.88.99.1/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://[::]/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::127.0.0.1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::ffff:8.8.8.8]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:7f00:1::1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::1]/",
    "http://[fe80::1]/",
    "http://[fec0::1]/",
    "http://[fd00:ec2::254]/",
    "http://[ff02::1]/",
    "http://[2001:db8::1]/",
]
NOT_A_URL_WE_FETCH = [
    "",
    "localhost",
    "//localhost/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:70/_x",
    "ftp://127.0.0.1/x",
    "data:image/png;base64,AAAA",
    "javascript:alert(1)",
    "unix:/run/x.sock",
    "http:///x",
    "http://:80/",
    "http:127.0.0.1/",
    "http://user@127.0.0.1/",
    "http://user:secret@example.com/",
    "http://example.com@127.0.0.1/",
    "http://a\\@127.0.0.1/",
    "http://127.0.0.1\\@example.com/",
    "http:\\\\127.0.0.1/",
    "http://127.0.0.1\t/",
    "http://127.0.0.1\r\nHost: x/",
    " http://127.0.0.1/",
    "http://127.0.0.1/a b",
    "http://127.0.0.1/\x00",
    "http://127.0.0.1\u3000/",
    "http://127%2e0.0.1/",
    "http://[fe80::1%eth0]/",
    "http://[fe80::1%25eth0]/",
    "http://[::1/",
    "http://[::1]x/",
    "http://x[::1]/",
    "http://[v1.x]/",
    "http://a..b/",
    "http://-\N{PILE OF POO}.example/",
    "http://example.com:http/",
    "http://example.com:999999/",
    "http://example.com:22/",
    "http://example.com:8080/",
    "http://example.com:0/",
    "http://example.com/" + "a" * 2048,
]


class Answers:
    """A resolver that gives one prepared answer after the other, the last for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int) -> list[str]:
        self.asked.append(f"{host}:{port}")
        found = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if not found:
            raise OSError("no such host")
        return list(found)


class Site:
    """A local server that sends prepared bytes for each path, and closes."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.requests: list[str] = []
        self.server_names: list[str | None] = []
        self.tasks: set[asyncio.Task[None] | None] = set()
        self.port = 0

    @property
    def pair(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, path: str) -> str:
        return f"http://{self.pair}{path}"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tasks.add(asyncio.current_task())
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.requests.append(head)
            answer = self.answers[head.split(" ")[1]]
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serve(tls: ssl.SSLContext | None = None) -> AsyncIterator[Site]:
    site = Site()
    server = await asyncio.start_server(site.handle, "127.0.0.1", 0, ssl=tls)
    site.port = server.sockets[0].getsockname()[1]
    async with server:
        yield site
        server.close()
        await asyncio.gather(*(task for task in site.tasks if task))


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with serve() as running:
        yield running


def ok(body: bytes, *headers: str, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {size}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def chunked(*chunks: bytes) -> bytes:
    parts = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + parts


def moved(location: str, status: int = 302) -> bytes:
    head = f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    return head.encode()


async def drip(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.01)


def fetcher(site: Site, *allow: str, timeout_s: float = 20, **rest: object) -> SafeFetcher:
    allowed = [site.pair, *allow]
    return SafeFetcher(max_bytes=LIMIT, timeout_s=timeout_s, allow=allowed, **rest)  # type: ignore[arg-type]


@pytest.mark.parametrize("url", NOT_PUBLIC)
async def test_refuses_addresses_that_are_not_public(url: str) -> None:
    with pytest.raises(InvalidInput, match=r"^the URL's address is not public$"):
        await SafeFetcher(max_bytes=LIMIT, timeout_s=20).fetch(url)


@pytest.mark.parametrize("url", NOT_A_URL_WE_FETCH)
async def test_refuses_urls_before_any_look_up(url: str) -> None:
    resolver = Answers([PUBLIC])
    with pytest.raises(InvalidInput):
        await SafeFetcher(max_bytes=LIMIT, timeout_s=20, resolver=resolver).fetch(url)
    assert resolver.asked == []


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://example.com/", "the URL must be http or https"),
        ("http://example.com:22/", "the URL's port must be 80 or 443"),
        ("http://a@example.com/", "the URL must not hold a user name or password"),
        ("http://example.com/" + "a" * 2048, "the URL is longer than 2048 characters"),
    ],
)
async def test_says_what_is_wrong_with_a_url(url: str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await SafeFetcher(max_bytes=LIMIT, timeout_s=20, resolver=Answers([PUBLIC])).fetch(url)
    assert caught.value.message == message


@pytest.mark.parametrize(
    "answer",
    [[PUBLIC, "127.0.0.1"], ["10.0.0.1", PUBLIC], [PUBLIC, "::1"], ["2606:4700::1", "fe80::1%lo"]],
)
async def test_one_private_address_among_public_ones_refuses_all(answer: list[str]) -> None:
    fetch = SafeFetcher(max_bytes=LIMIT, timeout_s=20, resolver=Answers(answer)).fetch
    with pytest.raises(InvalidInput, match="not public"):
        await fetch("https://mixed.test/")


@pytest.mark.parametrize("answer", [[], ["not an address"]])
async def test_host_that_cannot_be_resolved(answer: list[str]) -> None:
    fetch = SafeFetcher(max_bytes=LIMIT, timeout_s=20, resolver=Answers(answer)).fetch
    with pytest.raises(InvalidInput, match=r"^the URL's host cannot be resolved$"):
        await fetch("https://nowhere.test/")


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:4700::1111", "2a00:1450::1"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("HTTP://Example.COM.:80?q=1#part", "http://example.com/?q=1"),
        ("https://example.com:8443/a%20b/ü", "https://example.com:8443/a%20b/%C3%BC"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("http://[2606:4700:0:0::1]/", "http://[2606:4700::1]/"),
        ("http://my_bucket.example:/", "http://my_bucket.example/"),
    ],
)
def test_target_is_canonical(url: str, canonical: str) -> None:
    assert parse_target(url).url == canonical


async def test_fetches_content_and_type(site: Site) -> None:
    site.answers["/a?b=1"] = ok(b"picture", "content-TYPE: image/png")
    fetched = await fetcher(site).fetch(site.url("/a?b=1#c"))
    assert fetched.content == b"picture"
    assert fetched.content_type == "image/png"
    assert fetched.url == site.url("/a?b=1")
    assert f"\r\nHost: {site.pair}\r\n" in site.requests[0]
    assert "\r\nAccept-Encoding: identity\r\n" in site.requests[0]


async def test_no_type_and_chunks(site: Site) -> None:
    site.answers["/"] = chunked(b"pic", b"ture")
    fetched = await fetcher(site).fetch(site.url(""))
    assert (fetched.content, fetched.content_type) == (b"picture", "")


async def test_environment_proxies_are_ignored(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    site.answers["/"] = ok(b"direct")
    assert (await fetcher(site).fetch(site.url("/"))).content == b"direct"


async def test_allow_list_names_host_and_port_exactly(site: Site) -> None:
    for url in (f"http://localhost:{site.port}/", "http://127.0.0.1/", "http://2130706433/"):
        with pytest.raises(InvalidInput):
            await fetcher(site).fetch(url)
    assert site.requests == []


async def test_name_is_resolved_once_and_connection_goes_there(site: Site) -> None:
    site.answers["/"] = ok(b"pinned")
    resolver = Answers(["127.0.0.1"], ["192.0.2.1"])
    pair = f"bucket.test:{site.port}"
    fetched = await fetcher(site, pair, resolver=resolver).fetch(f"http://{pair}/")
    assert fetched.content == b"pinned"
    assert resolver.asked == [pair]
    assert f"\r\nHost: {pair}\r\n" in site.requests[0]


async def test_next_address_is_tried_without_another_look_up(site: Site) -> None:
    site.answers["/"] = ok(b"second")
    resolver = Answers(["::1", "127.0.0.1"], ["192.0.2.1"])
    pair = f"bucket.test:{site.port}"
    fetched = await fetcher(site, pair, resolver=resolver).fetch(f"http://{pair}/")
    assert fetched.content == b"second"
    assert resolver.asked == [pair]


async def test_unreachable_host_is_not_looked_up_again(site: Site) -> None:
    resolver = Answers(["::1"], ["127.0.0.1"])
    pair = f"bucket.test:{site.port}"
    with pytest.raises(Upstream, match=r"^the URL could not be fetched$"):
        await fetcher(site, pair, resolver=resolver).fetch(f"http://{pair}/")
    assert resolver.asked == [pair]
    assert site.requests == []


async def test_each_hop_is_resolved_and_checked_anew(site: Site) -> None:
    resolver = Answers([PUBLIC], ["127.0.0.1"])
    await resolver.resolve("flip.test", 80)
    site.answers["/"] = moved("http://flip.test/")
    with pytest.raises(InvalidInput, match="not public"):
        await fetcher(site, resolver=resolver).fetch(site.url("/"))
    assert resolver.asked == ["flip.test:80"] * 2


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "//127.0.0.1/",
        "http://localhost:22/",
        "http://a\\@127.0.0.1/",
        "http://u@127.0.0.1/",
        "file:///etc/passwd",
        "http://[",
    ],
)
async def test_redirect_to_a_forbidden_url_is_refused(site: Site, location: str) -> None:
    site.answers["/"] = moved(location)
    with pytest.raises(InvalidInput):
        await fetcher(site).fetch(site.url("/"))
    assert len(site.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed(site: Site, status: int) -> None:
    site.answers |= {
        "/1/a": moved("/2/a", status),
        "/2/a": moved("b?c", status),
        "/2/b?c": moved(site.url("/3/é"), status),
        "/3/%C3%A9": ok(b"end"),
    }
    fetched = await fetcher(site).fetch(site.url("/1/a"))
    assert (fetched.content, fetched.url) == (b"end", site.url("/3/%C3%A9"))


@pytest.mark.parametrize(("most", "requests"), [(0, 1), (3, 4)])
async def test_redirect_loop_ends(site: Site, most: int, requests: int) -> None:
    site.answers["/"] = moved("/")
    expected = rf"^the URL redirects too often \(at most {most}\)$"
    with pytest.raises(InvalidInput, match=expected):
        await fetcher(site, max_redirects=most).fetch(site.url("/"))
    assert len(site.requests) == requests


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 404 Not Found\r\n\r\n", b"HTTP/1.1 302 Found\r\n\r\n", moved("/", 304)]
)
async def test_other_statuses_are_the_upstreams_fault(site: Site, answer: bytes) -> None:
    site.answers["/"] = answer
    with pytest.raises(Upstream, match=r"^the URL answered with status (404|302|304)$"):
        await fetcher(site).fetch(site.url("/"))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        ok(b"short", length=50),
        ok(b"plain", "Content-Encoding: gzip"),
        ok(b"plain", "Content-Encoding: br"),
        ok(gzip.compress(b"cut" * 99, mtime=0)[:-9], "Content-Encoding: gzip"),
        ok(gzip.compress(b"one", mtime=0) + b"rest", "Content-Encoding: gzip"),
    ],
)
async def test_broken_answers_are_the_upstreams_fault(site: Site, answer: bytes) -> None:
    site.answers["/"] = answer
    with pytest.raises(Upstream, match=r"^the URL could not be fetched$"):
        await fetcher(site).fetch(site.url("/"))


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("GZIP", gzip.compress(b"x" * LIMIT, mtime=0)),
        ("deflate", zlib.compress(b"x" * LIMIT)),
        ("identity", b"x" * LIMIT),
    ],
)
async def test_content_of_just_the_limit_is_decoded(site: Site, encoding: str, body: bytes) -> None:
    site.answers["/"] = ok(body, f"Content-Encoding: {encoding}")
    assert (await fetcher(site).fetch(site.url("/"))).content == b"x" * LIMIT


@pytest.mark.parametrize(
    "answer",
    [
        ok(b"", length=LIMIT + 1),
        ok(b"", length=10**19),
        ok(gzip.compress(b"x" * (LIMIT + 1), mtime=0), "Content-Encoding: gzip"),
        ok(gzip.compress(bytes(60 << 20), 1, mtime=0)[:LIMIT], "Content-Encoding: gzip"),
        chunked(b"x" * LIMIT, b"x"),
        chunked(*[b"x"] * (LIMIT + 1)),
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (LIMIT + 1),
    ],
)
async def test_content_over_the_limit_is_refused(site: Site, answer: bytes) -> None:
    site.answers["/"] = answer
    with pytest.raises(TooLarge, match=rf"^the URL's content is larger than {LIMIT} bytes$"):
        await fetcher(site).fetch(site.url("/"))


async def test_slow_answers_end_with_the_deadline(site: Site) -> None:
    site.answers["/"] = drip
    with pytest.raises(Deadline, match=r"^the URL did not answer in full within 0\.2 s$"):
        await fetcher(site, timeout_s=0.2).fetch(site.url("/"))


async def test_slow_resolvers_end_with_the_deadline(site: Site) -> None:
    class Slow:
        async def resolve(self, host: str, port: int) -> list[str]:
            await asyncio.Event().wait()
            return []

    with pytest.raises(Deadline):
        await fetcher(site, timeout_s=0.05, resolver=Slow()).fetch("http://slow.test/")


async def test_cancelled_fetch_closes_its_connection(site: Site) -> None:
    started = asyncio.Event()

    async def answer(writer: asyncio.StreamWriter) -> None:
        started.set()
        await drip(writer)

    site.answers["/"] = answer
    task = asyncio.create_task(fetcher(site).fetch(site.url("/")))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.gather(*(each for each in site.tasks if each))


async def test_refused_connection_is_the_upstreams_fault() -> None:
    async with serve() as closed:
        pass
    with pytest.raises(Upstream):
        await fetcher(closed).fetch(closed.url("/"))


async def test_silent_tls_handshake_ends_with_the_deadline() -> None:
    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
    pair = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        with pytest.raises(Deadline):
            await SafeFetcher(max_bytes=LIMIT, timeout_s=0.2, allow=[pair]).fetch(f"https://{pair}")
        for writer in held:
            writer.close()


async def test_closing_twice_is_fine(site: Site) -> None:
    closing = fetcher(site)
    await closing.aclose()
    await closing.aclose()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and self-signed certificate of bucket.test, in one file."""
    if not shutil.which("openssl"):
        pytest.skip("needs the openssl command to make a certificate")
    path = tmp_path_factory.mktemp("tls") / "bucket.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=bucket.test"
    extra = [
        "-addext",
        "subjectAltName=DNS:bucket.test",
        "-keyout",
        f"{path}",
        "-out",
        f"{path}.crt",
    ]
    subprocess.run([*command.split(), *extra], check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + Path(f"{path}.crt").read_bytes())
    return path


@pytest.fixture
async def secure(certificate: Path) -> AsyncIterator[Site]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with serve(context) as running:
        context.sni_callback = lambda _, name, __: running.server_names.append(name)
        running.answers["/"] = ok(b"secret")
        yield running


async def test_tls_uses_the_name_though_the_address_is_pinned(
    secure: Site, certificate: Path
) -> None:
    pair = f"bucket.test:{secure.port}"
    trusting = ssl.create_default_context(cafile=certificate)
    safe = fetcher(secure, pair, resolver=Answers(["127.0.0.1"]), tls=trusting)
    assert (await safe.fetch(f"https://{pair}/")).content == b"secret"
    assert secure.server_names == ["bucket.test"]


@pytest.mark.parametrize(("host", "trust"), [("other.test", True), ("bucket.test", False)])
async def test_tls_refuses_wrong_names_and_unknown_authorities(
    secure: Site, certificate: Path, host: str, trust: bool
) -> None:
    pair = f"{host}:{secure.port}"
    tls = ssl.create_default_context(cafile=certificate) if trust else None
    safe = fetcher(secure, pair, resolver=Answers(["127.0.0.1"]), tls=tls)
    with pytest.raises(Upstream, match=r"^the URL could not be fetched$"):
        await safe.fetch(f"https://{pair}/")
    assert secure.requests == []
