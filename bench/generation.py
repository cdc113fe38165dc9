"""`make bench-generation`: what the service adds to the bare loops of diffusers and SAM.

Rounds take turns, so that a machine whose speed drifts bends both sides; medians are reported.
Who waits is held. The client's own CPU is not counted.
"""

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from bench import full_size_sam, middle_sized_diffusion, photographs
from bench.diffusion_drawing import Picture
from bench.generation_mesh import OneCoreMesh, RouteCost
from bench.generation_report import Results, markdown
from bench.generation_rounds import Round, Sides, Wait
from bench.generation_server import VisionServer
from bench.raw_diffusion_process import RawDiffusion
from bench.sam_prompts import SERVICE_NAME as SEGMENTATION
from bench.sam_prompts import Prompted, SamPrompts
from bench.served_diffusion import ServedDiffusion
from tests.faults.generation_calls import SERVICE_NAME as GENERATION
from vision_models.models import device

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "6"))
IMAGES = int(os.environ.get("BENCH_IMAGES", "2"))
CALLS = int(os.environ.get("BENCH_CALLS", "3"))
WAITS = 2
MODELS = Path("var/bench")


def pictures(dtype: str, folder: Path) -> tuple[list[Round], list[Wait]]:
    """Both sides of the diffusion, and requests that wait."""
    model = middle_sized_diffusion.ensure(MODELS)
    variables = {"GENERATION_MODEL": str(model.resolve()), "FACET_DATA_DIR": str(folder)}
    with ExitStack() as stack:
        raw = RawDiffusion(model, dtype, folder)
        stack.callback(raw.stop)
        server = VisionServer("generation", GENERATION, variables)
        stack.callback(server.stop)
        # The first call of a process is slower; the served one has warmed up by itself.
        raw.draw(Picture(steps=1, seed=0))
        server.wait_ready()
        server.hold()
        sides = Sides(raw, ServedDiffusion(server))
        rounds = [_told(sides, number) for number in range(ROUNDS)]
        return rounds, [sides.wait(number) for number in range(WAITS)]


def prompts(folder: Path) -> list[Prompted]:
    """First and further prompts for the same images."""
    model = full_size_sam.ensure(MODELS)
    variables = {"SEGMENTATION_MODEL": str(model.resolve()), "FACET_DATA_DIR": str(folder)}
    with ExitStack() as stack:
        server = VisionServer("segmentation", SEGMENTATION, variables)
        stack.callback(server.stop)
        server.wait_ready()
        return SamPrompts(server).round([photographs.jpeg(seed) for seed in range(IMAGES)])


def routes(folder: Path) -> Mapping[str, Sequence[RouteCost]]:
    """What the demo models take through the whole mesh."""
    with ExitStack() as stack:
        mesh = OneCoreMesh(folder)
        stack.callback(mesh.stop)
        mesh.wait_ready()
        return mesh.measure(CALLS)


def run(folder: Path) -> Results:
    """Starts, measures and stops one after the other."""
    dtype = str(device.place("cpu", "auto").dtype).removeprefix("torch.")
    rounds, waits = pictures(dtype, folder)
    print("prompts", file=sys.stderr)
    prompted = prompts(folder)
    print("routes", file=sys.stderr)
    return Results(dtype, rounds, waits, prompted, routes(folder / "generation"))


def _told(sides: Sides, number: int) -> Round:
    print(f"round {number + 1} of {ROUNDS}", file=sys.stderr)
    return sides.round(number)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        results = run(Path(made))
    print(markdown(results))
