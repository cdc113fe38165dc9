"""`make bench-sync`: what synchronisation costs, and what callers notice of it.

`python -m bench.sync memory N` synchronises N objects in a process of its own and prints the
greatest memory that this took.
"""

import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import sync_latency
from bench.report import Bound, heading, median_ratio, table
from bench.sync_parts import CountedObjects, synchronising
from facetkit.jobs import Job
from facetkit.local_objects import LocalObjectStore
from facetkit.memory import keep_trimmed
from search.adapters.tables import OBJECTS
from search.sync.listing import differences
from tests.search.parts import Parts

UNCHANGED = int(os.environ.get("BENCH_UNCHANGED", "10000"))
KEYS = int(os.environ.get("BENCH_KEYS", "1000000"))
FEW, MANY = 1000, int(os.environ.get("BENCH_OBJECTS", "100000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
_INSERTED_AT_ONCE = 10_000
_LOOK_EVERY_S = 0.02


async def unchanged(folder: Path) -> list[Bound]:
    """Synchronising unchanged objects of the local store against a bare listing, in turn."""
    objects = LocalObjectStore(folder / "objects")
    await objects.ready()
    for number in range(UNCHANGED):
        key = f"shop/{number % 100:02}/{number:06}.jpg"
        await objects.put(key, b"object %d" % number, content_type="image/jpeg")
    listings, runs, downloads = [], [], 0
    async with synchronising(folder, objects) as parts:
        await parts.synchronise()
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            listed = sum([len(page) async for page in objects.pages()])
            listings.append(time.perf_counter() - begun)
            assert listed == UNCHANGED
            begun = time.perf_counter()
            job = await _synchronised(parts)
            runs.append(time.perf_counter() - begun)
            assert job.done == UNCHANGED
            downloads += job.result["downloaded"]
    ratio = median_ratio(runs, listings)
    return [
        Bound(f"{UNCHANGED} unchanged objects: downloads", downloads, 0, digits=0),
        Bound(f"{UNCHANGED} unchanged objects: synchronisation ÷ bare listing", ratio, 1.5),
    ]


async def _synchronised(parts: Parts) -> Job:
    """One synchronisation, looked after seldom enough that looking costs nothing."""
    job = await parts.jobs.synchronise(force=False)
    while not (job := await parts.job_store.get(job.id)).state.final:
        await asyncio.sleep(_LOOK_EVERY_S)
    return job


async def manifest_part(folder: Path) -> Bound:
    """Seconds that the manifest adds to a listing that costs nothing."""
    objects = CountedObjects(KEYS)
    folder.mkdir()
    async with synchronising(folder, objects) as parts:
        engine = parts.database.engine
        rest = {"image_id": "0" * 64, "code": "", "error": ""}
        async for page in objects.pages():
            rows = [{"key": i.key, "etag": i.etag, "size_bytes": i.size} | rest for i in page]
            async with engine.begin() as connection:
                await connection.execute(OBJECTS.insert(), rows)
        added = []
        for _ in range(3):
            begun = time.perf_counter()
            async for _page in objects.pages():
                pass
            bare_s = time.perf_counter() - begun
            begun = time.perf_counter()
            async for difference in differences(objects, parts.manifest):
                assert not difference.changed
            added.append(time.perf_counter() - begun - bare_s)
    return Bound(f"manifest's part of {KEYS} keys, seconds", sorted(added)[1], 3)


async def take_all(count: int) -> None:
    """Synchronises so many new objects; prints kilobytes."""
    with tempfile.TemporaryDirectory() as folder:
        async with synchronising(Path(folder), CountedObjects(count)) as parts:
            # As the service does.
            trimming = asyncio.create_task(keep_trimmed())
            job = await parts.synchronise()
            trimming.cancel()
            assert job.result["indexed"] == count, job
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def memory() -> Bound:
    """Memory of a synchronisation of many new objects against one of few."""
    peaks = []
    for count in (FEW, MANY):
        command = [sys.executable, "-m", "bench.sync", "memory", str(count)]
        told = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks.append(int(told.stdout.split()[-1]))
    return Bound(f"peak memory, {MANY} new objects ÷ {FEW}", peaks[1] / peaks[0], 1.1)


def main() -> None:
    """Measures and prints one table."""
    with tempfile.TemporaryDirectory() as folder:
        bounds = asyncio.run(unchanged(Path(folder)))
        bounds.append(asyncio.run(manifest_part(Path(folder) / "manifest")))
    bounds.append(memory())
    bounds += sync_latency.measure()
    print(heading("make bench-sync"))
    print()
    print(table(("what", "value", "bound", ""), (bound.cells for bound in bounds)))


if __name__ == "__main__":
    if sys.argv[1:2] == ["memory"]:
        asyncio.run(take_all(int(sys.argv[2])))
    else:
        main()
