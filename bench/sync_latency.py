"""What callers of a whole mesh notice of a synchronisation, and what many calls leave in memory."""

import asyncio
import io
import os
import statistics
import tempfile
import time
from pathlib import Path

import httpx
import numpy as np
import psutil
from PIL import Image

from bench import full_size_clip, photographs
from bench.mesh_processes import Mesh
from bench.report import Bound

OBJECTS = int(os.environ.get("BENCH_SYNC_IMAGES", "10000"))
UPLOADS = int(os.environ.get("BENCH_UPLOADS", "60"))
CALLS = int(os.environ.get("BENCH_CALLS", "10000"))
SETTLED = 1000
"""Calls after which caches and pools have their size."""
MAX_BATCH = 8


def measure() -> list[Bound]:
    """Uploads while 10,000 images are synchronised, then memory over 10,000 calls."""
    with tempfile.TemporaryDirectory() as folder:
        return [*_uploads(Path(folder) / "busy"), *_memory(Path(folder) / "calls")]


def _uploads(data_dir: Path) -> list[Bound]:
    model = full_size_clip.ensure(Path("var/bench"))
    _fill(data_dir / "objects" / "shop")
    _fill_uploads(data_dir / "objects" / "asked")
    variables = {
        "FACET_MODELS": "full",
        "EMBEDDING_MODEL": str(model.resolve()),
        "EMBEDDING_CACHE_ITEMS": "0",
        "VISION_MAX_BATCH": str(MAX_BATCH),
    }
    mesh = Mesh(data_dir, variables)
    try:
        mesh.wait_ready()
        return asyncio.run(_compare(mesh))
    finally:
        mesh.stop()


async def _compare(mesh: Mesh) -> list[Bound]:
    async with httpx.AsyncClient(base_url=mesh.url, timeout=120) as client:
        idle, _ = await _ask(client, range(UPLOADS))
        started = await client.post("/api/search/sync")
        job = started.raise_for_status().headers["Location"]
        begun = (await _until_busy(client, job), time.monotonic())
        busy, refused = await _ask(client, range(UPLOADS, 2 * UPLOADS))
        told = (await client.get(job)).json()
        assert told["state"] == "running", told
        rate = (told["done"] - begun[0]) / (time.monotonic() - begun[1])
        await client.post(f"{job}/cancel")
    batch_s = MAX_BATCH / rate
    allowed = 2 * _p95(idle) + batch_s
    print(
        f"/upload p95: idle {1e3 * _p95(idle):.0f} ms, during synchronisation "
        f"{1e3 * _p95(busy):.0f} ms; a bulk batch takes {1e3 * batch_s:.0f} ms"
    )
    return [
        Bound(
            "`/upload` p95 during synchronisation ÷ (2 × idle + a batch)", _p95(busy) / allowed, 1
        ),
        Bound("`/upload` answers of 429 meanwhile", refused, 0, digits=0),
    ]


async def _until_busy(client: httpx.AsyncClient, job: str) -> int:
    while True:
        told = (await client.get(job)).json()
        if told["state"] == "running" and told["done"] > 0:
            return int(told["done"])
        assert told["state"] in ("queued", "running"), told
        await asyncio.sleep(0.2)


async def _ask(client: httpx.AsyncClient, numbers: range) -> tuple[list[float], int]:
    seconds, refused = [], 0
    for number in numbers:
        url = f"{client.base_url}/objects/asked/{number:04}.jpg"
        begun = time.perf_counter()
        answer = await client.post("/upload", data={"imageUrl": url})
        seconds.append(time.perf_counter() - begun)
        refused += answer.status_code == 429
        assert answer.status_code in (200, 429), answer.text
    return seconds, refused


def _memory(data_dir: Path) -> list[Bound]:
    mesh = Mesh(data_dir, {})
    try:
        mesh.wait_ready()
        return asyncio.run(_over_calls(mesh))
    finally:
        mesh.stop()


async def _over_calls(mesh: Mesh) -> list[Bound]:
    async with httpx.AsyncClient(base_url=mesh.url, timeout=120) as client:
        for seed in range(8):
            files = {"file": ("a.jpg", photographs.jpeg(seed), "image/jpeg")}
            (await client.post("/api/images", files=files)).raise_for_status()
        await _call(client, range(SETTLED))
        before = _memory_of(mesh)
        await _call(client, range(SETTLED, SETTLED + CALLS))
        after = _memory_of(mesh)
    return [
        Bound(f"memory of {name} after {CALLS} more calls ÷ before", after[name] / held, 1.1)
        for name, held in before.items()
    ]


async def _call(client: httpx.AsyncClient, numbers: range) -> None:
    waiting = iter(numbers)

    async def caller() -> None:
        for number in waiting:
            data = {"text": f"a gold ring number {number}"}
            (await client.post("/api/search", data=data)).raise_for_status()

    await asyncio.gather(*(caller() for _ in range(8)))


def _memory_of(mesh: Mesh) -> dict[str, int]:
    found: dict[str, int] = {}
    for process in mesh.processes():
        program = next((each for each in ("gateway", "search") if each in process.cmdline()), None)
        if program:
            found[program] = max(found.get(program, 0), process.memory_info().rss)
    assert len(found) == 2, [psutil.Process(p.pid).cmdline() for p in mesh.processes()]
    return found


def _p95(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1]


def _fill(folder: Path) -> None:
    """Many distinct small pictures: what they cost is what the model costs."""
    folder.mkdir(parents=True)
    for number in range(OBJECTS):
        pixels = np.random.default_rng(number).integers(0, 255, (8, 8, 3), dtype=np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).resize((256, 256)).save(buffer, "JPEG")
        (folder / f"{number:06}.jpg").write_bytes(buffer.getvalue())


def _fill_uploads(folder: Path) -> None:
    folder.mkdir(parents=True)
    for number in range(2 * UPLOADS):
        (folder / f"{number:04}.jpg").write_bytes(photographs.jpeg(number))
