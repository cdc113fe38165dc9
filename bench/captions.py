"""`make bench-captions`: the mesh against one batched generate, and hits against an echo.

Rounds take turns, so that a machine whose speed drifts bends all sides; medians are reported.
Who waits is held. The client's own CPU is not counted.
"""

import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from bench import caption_sides, full_size_blip, photographs
from bench.caption_report import Hits, Results, markdown
from bench.caption_sides import MAX_NEW_TOKENS, Sides
from bench.load import Cost

IMAGES = int(os.environ.get("BENCH_IMAGES", "16"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
CALLS = int(os.environ.get("BENCH_CALLS", "200"))
IN_FLIGHT = 16
WARM_UP = 2


def throughput(sides: Sides, folder: Path, seeds: Sequence[int]) -> dict[str, Cost]:
    """A round of both over the photographs of `seeds`, by name."""
    images = [photographs.jpeg(seed) for seed in seeds]
    for number, image in enumerate(images):
        (folder / f"{number:03}.jpg").write_bytes(image)
    raw = sides.raw.round(folder)
    with sides.mesh.awake():
        mesh = sides.mesh.measure(images, IN_FLIGHT, words=MAX_NEW_TOKENS, cached=False)
    return {"mesh": mesh, "raw": raw}


def hits(sides: Sides, image: bytes) -> Hits:
    """A round of CALLS for an image that the mesh has captioned before."""
    calls = [image] * CALLS
    with sides.echo.awake():
        echo = sides.echo.measure(calls, 1, words=MAX_NEW_TOKENS, cached=True)
    with sides.mesh.awake():
        redis_s, batches = sides.redis_cpu_s(), sides.batches()
        lookups = sides.redis.calls("mget")
        mesh = sides.mesh.measure(calls, 1, words=MAX_NEW_TOKENS, cached=True)
        redis_ms = (sides.redis_cpu_s() - redis_s) / CALLS * 1000
        lookups = sides.redis.calls("mget") - lookups
        return Hits(mesh, echo, redis_ms, sides.batches() - batches, lookups)


def run(stack: ExitStack) -> Results:
    """Starts, measures and stops everything."""
    model = full_size_blip.ensure(Path("var/bench"))
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    sides = caption_sides.start(stack, model, folder / "data")
    first = -WARM_UP % 2**32
    throughput(sides, _made(folder / "warm"), range(first, first + WARM_UP))
    whole, found = [], []
    for number in range(ROUNDS):
        print(f"round {number + 1} of {ROUNDS}", file=sys.stderr)
        seeds = range(number * IMAGES, (number + 1) * IMAGES)
        whole.append(throughput(sides, _made(folder / f"{number}"), seeds))
        found.append(hits(sides, photographs.jpeg(seeds[0])))
    return Results(sides.dtype, IMAGES, CALLS, whole, found)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


if __name__ == "__main__":
    with ExitStack() as stack:
        results = run(stack)
    print(markdown(results))
