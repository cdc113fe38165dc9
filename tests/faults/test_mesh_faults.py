"""Processes that die or hang under load: what callers see, and what must not be lost."""

import io
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest
from PIL import Image

from bench import full_size_clip
from tests.faults.hanging_model import MAGIC_TEXT
from tests.mesh.running_mesh import RunningMesh
from tests.pictures import jpeg

pytestmark = pytest.mark.slow

DEADLINE_S = 30
KEPT_BYTES = 100 * 2**20


@pytest.fixture
def mesh(tmp_path: Path) -> Iterator[RunningMesh]:
    running = RunningMesh(tmp_path, EMBEDDING_CACHE_ITEMS="0")
    try:
        yield running.wait_ready()
    finally:
        running.stop()


class Load:
    """Callers that store and search without pause until told to end."""

    def __init__(self, url: str, callers: int = 6) -> None:
        self.answers: list[httpx.Response] = []
        self.stored: dict[str, bytes] = {}
        self._url = url
        self._end = threading.Event()
        self._threads = ThreadPoolExecutor(callers)
        self._calls = [self._threads.submit(self._run, number) for number in range(callers)]

    def end(self) -> None:
        """Stops; a caller that failed otherwise than by a status fails the test."""
        self._end.set()
        for call in self._calls:
            call.result(2 * DEADLINE_S)
        self._threads.shutdown()

    def codes(self) -> Counter[int]:
        """How often each status was answered."""
        return Counter(answer.status_code for answer in self.answers)

    def _run(self, caller: int) -> None:
        with httpx.Client(base_url=self._url, timeout=2 * DEADLINE_S) as http:
            number = caller * 1_000_000
            while not self._end.is_set():
                number += 1
                picture = jpeg(number, 160, 120)
                answer = http.post("/api/images", files={"file": ("p.jpg", picture)})
                self.answers.append(answer)
                if answer.status_code == 201:
                    self.stored[answer.json()["key"]] = picture


def assert_whole(mesh: RunningMesh, load: Load) -> None:
    """Every acknowledged image is there once, and store and matrix agree."""
    with httpx.Client(base_url=mesh.url, timeout=DEADLINE_S) as http:
        statistics = settled(http)
        assert statistics["images"] == statistics["matrix_images"] >= len(load.stored)
        for key, picture in load.stored.items():
            hit = http.post("/api/search", files={"file": ("p.jpg", picture)}).json()
            keys = [each["key"] for each in hit["results"]]
            assert keys.count(key) == 1
            assert http.get(f"/objects/{key}").content == picture


def settled(http: httpx.Client) -> dict[str, int]:
    """The statistics, once writes of unknown outcome are read back."""
    for _ in range(100):
        statistics: dict[str, int] = http.get("/api/search/statistics").json()
        if statistics.get("images") == statistics.get("matrix_images", -1):
            return statistics
        time.sleep(0.1)
    raise AssertionError(f"store and matrix do not agree: {statistics}")


def wait_answered(load: Load, count: int) -> None:
    """Waits until so many more calls succeeded."""
    goal = load.codes()[201] + count
    for _ in range(600):
        if load.codes()[201] >= goal:
            return
        time.sleep(0.1)
    raise AssertionError(f"no recovery: {load.codes()}")


@pytest.mark.parametrize("module", ["vision_models", "milvus_lite", "search"])
def test_kill_9_under_load_loses_and_doubles_nothing(mesh: RunningMesh, module: str) -> None:
    load = Load(mesh.url)
    wait_answered(load, 20)
    mesh.kill(module)
    mesh.wait_line(r"stopped \(signal 9\); restarting")
    wait_answered(load, 20)
    load.end()
    codes = load.codes()
    assert set(codes) <= {201, 503}
    refused = [answer for answer in load.answers if answer.status_code == 503]
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
    assert_whole(mesh, load)


def test_the_readiness_tells_that_the_vector_store_is_away(mesh: RunningMesh) -> None:
    store = mesh.process_of("milvus_lite")
    store.suspend()
    with httpx.Client(base_url=mesh.url, timeout=DEADLINE_S) as http:
        wait_reason(http, "the vector store cannot be reached")
        assert http.post("/api/search", data={"text": "a ring"}).status_code == 200
        mesh.wait_line("milvus does not answer; restarting")
        wait_reason(http, "")


def wait_reason(http: httpx.Client, begin: str) -> None:
    """Waits until search is ready for a reason that begins so, or for none."""
    for _ in range(300):
        state = http.get("/readyz").json()["services"]["search"]
        assert state["state"] == "ready"
        if state["reason"].startswith(begin) and bool(state["reason"]) == bool(begin):
            return
        time.sleep(0.2)
    raise AssertionError(f"no such reason: {state}")


def test_large_uploads_leave_no_memory_behind(mesh: RunningMesh) -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (6000, 6000)).save(buffer, "PNG", compress_level=1)
    padded = jpeg(1) + bytes(20 * 2**20)
    services = ("gateway", "search", "vision_models")
    at_once(mesh.url, [jpeg(seed) for seed in range(8)])
    before = {name: mesh.process_of(name).memory_info().rss for name in services}
    at_once(mesh.url, [padded + bytes([number]) for number in range(6)])
    at_once(mesh.url, [buffer.getvalue()])
    for name in services:
        wait_resident(mesh.process_of(name), before[name] + KEPT_BYTES)


def wait_resident(process: psutil.Process, most_bytes: int) -> None:
    """Waits until the process has given back what is over `most_bytes`."""
    for _ in range(100):
        resident = process.memory_info().rss
        if resident <= most_bytes:
            return
        time.sleep(0.2)
    raise AssertionError(f"{process.cmdline()[-1]} keeps {resident >> 20} MiB")


def test_a_hung_worker_turns_red_and_is_restarted(tmp_path: Path) -> None:
    program = ("-m", "tests.faults.hanging_model")
    mesh = RunningMesh(tmp_path, *program, VISION_HANG_S="1", DEADLINE_S="5").wait_ready()
    try:
        with httpx.Client(base_url=mesh.url, timeout=DEADLINE_S) as http:
            hung = http.post("/api/search", data={"text": MAGIC_TEXT})
            assert hung.status_code == 504
            states = http.get("/readyz").json()["services"]["vision-models"]
            assert states["state"] != "ready"
            refused = http.post("/api/search", data={"text": "a ring"})
            assert refused.status_code == 503
            assert refused.headers["Retry-After"]
            mesh.wait_line("vision-models does not answer; restarting")
            wait_status(http, 200)
    finally:
        mesh.stop()


def wait_status(http: httpx.Client, code: int) -> None:
    """Waits until a text search answers `code`."""
    for _ in range(300):
        if http.post("/api/search", data={"text": "a ring"}).status_code == code:
            return
        time.sleep(0.2)
    raise AssertionError("no recovery")


def test_over_the_queue_calls_are_refused_before_decoding(tmp_path: Path) -> None:
    model = full_size_clip.ensure(Path("var/bench"))
    mesh = RunningMesh(
        tmp_path,
        FACET_MODELS="full",
        # Of the others no weights can be had here.
        VISION_FAMILIES="embedding",
        EMBEDDING_MODEL=str(model.resolve()),
        EMBEDDING_CACHE_ITEMS="0",
    ).wait_ready()
    try:
        pictures = [jpeg(seed, 160, 120) for seed in range(120)]
        answers = at_once(mesh.url, pictures)
        codes = Counter(answer.status_code for answer in answers)
        assert set(codes) == {200, 429}
        assert codes[200] >= 64
        refused = [answer for answer in answers if answer.status_code == 429]
        assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
        assert mesh.metrics("vision")["vision_preprocess_seconds_count"] == codes[200]
    finally:
        mesh.stop()


def at_once(url: str, pictures: list[bytes]) -> list[httpx.Response]:
    """Searches by all pictures together."""
    barrier = threading.Barrier(len(pictures))

    def call(picture: bytes) -> httpx.Response:
        with httpx.Client(base_url=url, timeout=2 * DEADLINE_S) as http:
            barrier.wait()
            return http.post("/api/search", files={"file": ("p.jpg", picture)})

    with ThreadPoolExecutor(len(pictures)) as threads:
        return list(threads.map(call, pictures))
