"""Bad input through the whole mesh: a status and a message of the contract, and nothing lost."""

import http.client
import io
import pickle
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from PIL import Image

from tests.mesh.origin import Origin
from tests.mesh.running_mesh import RunningMesh
from tests.pictures import jpeg, png

MIB = 2**20
SERVICES = ("gateway", "search", "vision_models", "milvus_lite")


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


def hundred_megapixels() -> bytes:
    """A real PNG of 100 megapixels."""
    buffer = io.BytesIO()
    Image.new("RGB", (10_000, 10_000)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


FILES: dict[str, tuple[Callable[[], bytes], int, str]] = {
    "empty": (lambda: b"", 400, "'file'"),
    "text": (lambda: b"just words", 415, "JPEG, PNG or WebP"),
    "pickle": (lambda: pickle.dumps({"a": [1, 2]}), 415, "JPEG, PNG or WebP"),
    "truncated": (lambda: jpeg(1, 1600, 1200)[:30_000], 422, "damaged"),
    "bomb": (lambda: png_header(50_000, 50_000), 413, "megapixels"),
    "100 megapixels": (hundred_megapixels, 413, "megapixels"),
    "60 MB": (lambda: bytes(60 * MIB), 413, "MiB"),
}


@pytest.mark.parametrize("route", ["/api/images", "/api/search"])
@pytest.mark.parametrize("name", FILES)
def test_bad_files(http: httpx.Client, route: str, name: str) -> None:
    make, status, message = FILES[name]
    answer = http.post(route, files={"file": ("photo.jpg", make())})
    assert_refused(answer, status, message)


def assert_refused(answer: httpx.Response, status: int, message: str) -> None:
    """The shape of every error, with nothing of the inside in it."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) <= {"error", "code", "request_id", "fields"}
    assert message in body["error"]
    assert body["request_id"] == answer.headers["X-Request-ID"]
    assert "Traceback" not in answer.text
    assert "site-packages" not in answer.text


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x.jpg",
        "http://localhost:1/x.jpg",
        "http://10.1.2.3/x.jpg",
        "http://192.168.0.1/x.jpg",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/x.jpg",
        "http://[::ffff:127.0.0.1]/x.jpg",
        "http://[fe80::1]/x.jpg",
        "http://2130706433/x.jpg",
        "http://0x7f.1/x.jpg",
        "file:///etc/passwd",
        "gopher://127.0.0.1/x",
        "http://user:password@127.0.0.1/x.jpg",
        "not a url",
    ],
)
@pytest.mark.parametrize("route", ["/upload", "/api/search"])
def test_urls_that_are_not_public_are_refused(http: httpx.Client, route: str, url: str) -> None:
    answer = http.post(route, data={"imageUrl": url})
    assert_refused(answer, 400, "URL")
    assert "imageUrl" in answer.json()["fields"]


@pytest.mark.parametrize(
    ("path", "status"),
    [("private", 400), ("loop", 400), ("huge", 413), ("drip", 504), ("page", 415)],
)
def test_servers_that_behave_badly(
    http: httpx.Client, origin: Origin, path: str, status: int
) -> None:
    answer = http.post("/upload", data={"imageUrl": origin.url(path)})
    assert_refused(answer, status, "")


def test_a_good_url_is_embedded(http: httpx.Client, origin: Origin) -> None:
    answer = http.post("/upload", data={"imageUrl": origin.url("photo.jpg")})
    assert len(answer.json()["embedding"]) == 512


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"text": "a", "top_k": "0"}, "top_k"),
        ({"text": "a", "top_k": "101"}, "top_k"),
        ({"text": "a", "top_k": "many"}, "top_k"),
        ({"text": "a", "offset": "-1"}, "offset"),
        ({"text": "a", "offset": "16384"}, "offset"),
        ({"text": "a" * 2001}, "text"),
        ({"text": "a", "min_width": "-1"}, "min_width"),
        ({"text": "a", "created_after": "yesterday"}, "created_after"),
        ({"text": "a", "content_type": "text/html"}, "content_type.0"),
    ],
)
def test_values_out_of_range_name_the_field(
    http: httpx.Client, fields: dict[str, str], field: str
) -> None:
    answer = http.post("/api/search", data=fields)
    assert_refused(answer, 400, f"'{field}'")
    assert field in answer.json()["fields"]


@pytest.mark.parametrize("fields", [{}, {"text": "a", "key": "images/b.jpg"}])
def test_none_or_several_queries_are_refused(http: httpx.Client, fields: dict[str, str]) -> None:
    assert_refused(http.post("/api/search", data=fields), 400, "file")


def test_an_unknown_key_is_not_found(http: httpx.Client) -> None:
    key = f"images/{'0' * 64}.jpg"
    assert_refused(http.post("/api/search", data={"key": key}), 404, key)
    assert_refused(http.delete("/api/images", params={"key": key}), 404, key)


@pytest.mark.parametrize(
    "path",
    [
        "/objects/../../etc/passwd",
        "/objects/..%2f..%2fetc%2fpasswd",
        "/objects/%2e%2e/%2e%2e/etc/passwd",
        "/objects//etc/passwd",
        "/objects/images/..%5c..%5cetc",
        "/objects/images/%00.jpg",
        "/objects/photobooth/x.jpg",
        "/objects/trash/x.jpg",
        "/objects/",
    ],
)
def test_nothing_outside_the_public_prefixes_is_readable(mesh: RunningMesh, path: str) -> None:
    # http.client sends the path as it is; others would tidy it first.
    connection = http.client.HTTPConnection("127.0.0.1", int(mesh.ports["PORT"]))
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status in (400, 404)
    assert b"root:" not in body
    assert b"Traceback" not in body


def memory(mesh: RunningMesh) -> dict[str, psutil.Process]:
    """The processes whose peak memory is watched, from now on."""
    processes = {name: mesh.process_of(name) for name in SERVICES}
    for process in processes.values():
        Path(f"/proc/{process.pid}/clear_refs").write_text("5")
    return processes


def peak(process: psutil.Process) -> int:
    """The highest resident size since it was reset, in bytes."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


@pytest.fixture(scope="module")
def quiet_mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    """A mesh that nobody else uses, so that its memory moves only by what a test sends."""
    mesh = RunningMesh(tmp_path_factory.mktemp("quiet"))
    try:
        yield mesh.wait_ready()
    finally:
        mesh.stop()


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_bad_files_leave_the_memory_as_it_was(quiet_mesh: RunningMesh, name: str) -> None:
    content = FILES[name][0]()
    with httpx.Client(base_url=quiet_mesh.url, timeout=30) as client:
        client.post("/api/images", files={"file": ("photo.jpg", png(1))})
        time.sleep(2)
        before = {name: process.memory_info().rss for name, process in memory(quiet_mesh).items()}
        for _ in range(3):
            client.post("/api/images", files={"file": ("photo.jpg", content)})
        time.sleep(2)
    for service in SERVICES:
        process = quiet_mesh.process_of(service)
        assert peak(process) <= before[service] + 200 * MIB, service
        assert process.memory_info().rss <= before[service] + 50 * MIB, service
