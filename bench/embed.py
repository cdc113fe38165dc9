"""`make bench-embed`: what the mesh costs over the floor, for 2-megapixel JPEGs with caches off.

Rounds of the floor and of the mesh take turns, so that a machine whose speed drifts bends both;
medians are reported. The client's own CPU is not counted.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from bench import full_size_clip, photographs
from bench.mesh_processes import Mesh

IMAGES = int(os.environ.get("BENCH_IMAGES", "64"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
IN_FLIGHT = 16
IDLE_S = float(os.environ.get("BENCH_IDLE_S", "30"))


class Floor:
    """The floor's process, asked for one round at a time."""

    def __init__(self, model: Path, images: Path) -> None:
        command = [sys.executable, str(Path(__file__).parent / "floor.py"), str(model), str(images)]
        self._process = subprocess.Popen(
            command,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer()

    def round(self, command: str) -> dict[str, float]:
        """One round: `batches` or `single`."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        return self._answer()

    def stop(self) -> None:
        """Ends the process."""
        self._process.terminate()
        self._process.communicate()

    def _answer(self) -> dict[str, float]:
        assert self._process.stdout is not None
        answer: dict[str, float] = json.loads(self._process.stdout.readline())
        return answer


async def send(client: httpx.AsyncClient, image: bytes) -> None:
    """One search by picture through the whole mesh."""
    response = await client.post("/api/search", files={"file": ("photo.jpg", image, "image/jpeg")})
    response.raise_for_status()


async def mesh_round(mesh: Mesh, images: list[bytes], in_flight: int) -> dict[str, float]:
    """CPU and wall milliseconds per image with so many requests in flight."""
    waiting = iter(images)
    limits = httpx.Limits(max_connections=in_flight)
    async with httpx.AsyncClient(base_url=mesh.url, timeout=120, limits=limits) as client:

        async def worker() -> None:
            for image in waiting:
                await send(client, image)

        await asyncio.gather(*(send(client, image) for image in images[:in_flight]))
        cpu, wall = mesh.cpu_s(), time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(in_flight)))
        seconds = time.perf_counter() - wall
    count = len(images) / 1000
    return {"cpu_ms": (mesh.cpu_s() - cpu) / count, "wall_ms": seconds / count}


def compare(mesh: Mesh, floor: Floor, images: list[bytes]) -> dict[str, float]:
    """Interleaved rounds; the medians."""
    rows: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        batched = floor.round("batches")
        through = asyncio.run(mesh_round(mesh, images, IN_FLIGHT))
        rows.setdefault("floor_cpu_ms", []).append(batched["cpu_ms"])
        rows.setdefault("mesh_cpu_ms", []).append(through["cpu_ms"])
        rows.setdefault("cpu_ratio", []).append(through["cpu_ms"] / batched["cpu_ms"])
        rows.setdefault("mesh_images_per_s", []).append(1000 / through["wall_ms"])
        alone = floor.round("single")
        through = asyncio.run(mesh_round(mesh, images[: IMAGES // 2], 1))
        rows.setdefault("floor_single_ms", []).append(alone["wall_ms"])
        rows.setdefault("mesh_single_ms", []).append(through["wall_ms"])
        rows.setdefault("single_overhead_ms", []).append(through["wall_ms"] - alone["wall_ms"])
    return {name: statistics.median(values) for name, values in rows.items()}


def idle_percent(mesh: Mesh) -> float:
    """Percent of one core that all processes take while nobody asks."""
    time.sleep(3)
    cpu, wall = mesh.cpu_s(), time.perf_counter()
    time.sleep(IDLE_S)
    return 100 * (mesh.cpu_s() - cpu) / (time.perf_counter() - wall)


def main() -> None:
    """Measures and prints one table."""
    model = full_size_clip.ensure(Path("var/bench"))
    images = [photographs.jpeg(seed) for seed in range(IMAGES)]
    with tempfile.TemporaryDirectory() as folder:
        for number, image in enumerate(images):
            (Path(folder) / f"{number:03}.jpg").write_bytes(image)
        variables = {
            "FACET_MODELS": "full",
            "EMBEDDING_MODEL": str(model.resolve()),
            "EMBEDDING_CACHE_ITEMS": "0",
            "LOG_LEVEL": "INFO",
        }
        floor = Floor(model, Path(folder))
        mesh = Mesh(Path(folder) / "var", variables)
        try:
            mesh.wait_ready()
            table = compare(mesh, floor, images)
            table["idle_percent_of_a_core"] = idle_percent(mesh)
        finally:
            floor.stop()
            mesh.stop()
    kilobytes = sum(map(len, images)) / len(images) / 1000
    print(f"{IMAGES} images of {kilobytes:.0f} kB, {ROUNDS} rounds, medians")
    for name, value in table.items():
        print(f"{name:26}{value:10.2f}")


main()
