"""`make bench-embed`: CPU of an embedding of a 2-megapixel JPEG, ours against others', caches off.

All serve the same weights. Rounds take turns, so that a machine whose speed drifts bends all of
them; medians are reported. The client's own CPU is not counted. Peers that wait for their turn
are held, since some of them poll when idle.
"""

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench import accuracy, full_size_clip, photographs
from bench.embed_report import Results, markdown
from bench.floor_process import Floor
from bench.load import Cost, embed, idle_percent, measure, search
from bench.mesh_processes import Mesh
from bench.peers import launch
from bench.servers import Server
from vision_models.clip_layout import INNER
from vision_models.models import device

IMAGES = int(os.environ.get("BENCH_IMAGES", "64"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
IDLE_S = float(os.environ.get("BENCH_IDLE_S", "30"))
COMPARED = 32
IN_FLIGHT = 16


@dataclass(frozen=True, slots=True)
class Servers:
    """All that is measured: meshes by precision, peers by name, and the floor.

    `best` is the precision of the mesh that was left to choose one, and of the floor.
    """

    meshes: Mapping[str, Mesh]
    peers: Mapping[str, Server]
    floor: Floor
    best: str

    def batched(self, images: Sequence[bytes]) -> dict[str, Cost]:
        """A round of each with IN_FLIGHT requests, by name."""
        costs = {"floor": self.floor.round("batches")}
        for precision, mesh in self.meshes.items():
            costs[f"mesh {precision}"] = measure(mesh, search, images, IN_FLIGHT)
        for name, peer in self.peers.items():
            with peer.awake():
                costs[name] = measure(peer, embed, images, IN_FLIGHT)
        return costs

    def single(self, images: Sequence[bytes]) -> dict[str, Cost]:
        """A round of floor and mesh with one image at a time, by name."""
        mesh = measure(self.meshes[self.best], search, images, 1)
        return {"floor": self.floor.round("single"), "mesh": mesh}

    def cosines(self, model: Path, images: Sequence[bytes]) -> dict[str, float]:
        """How near each server's worst vector is to the plain way, by name."""
        expected = accuracy.reference(model / INNER, images)
        vectors = {
            f"mesh {precision}": accuracy.of_mesh(mesh.vision_target, images, IN_FLIGHT)
            for precision, mesh in self.meshes.items()
        }
        for name, peer in self.peers.items():
            with peer.awake():
                vectors[name] = accuracy.of_peer(peer.url, images, IN_FLIGHT)
        return {name: accuracy.lowest_cosine(rows, expected) for name, rows in vectors.items()}


def start(stack: ExitStack, folder: Path, model: Path) -> Servers:
    """Starts everything and returns when all are ready; peers are held."""
    dtype = device.place("cpu", "auto").dtype
    best = next(name for name, known in device.DTYPES.items() if known is dtype)
    peers = launch.start(model)
    settings = {"fp32": "fp32", best: "auto"}
    meshes = {name: _mesh(folder / name, model, chosen) for name, chosen in settings.items()}
    servers = (*peers.values(), *meshes.values())
    for server in servers:
        stack.callback(server.stop)
    floor = Floor(model / INNER, folder, str(dtype).removeprefix("torch."))
    stack.callback(floor.stop)
    for server in servers:
        server.wait_ready()
    for peer in peers.values():
        peer.hold()
    return Servers(meshes, peers, floor, best)


def _mesh(data_dir: Path, model: Path, dtype: str) -> Mesh:
    variables = {
        "FACET_MODELS": "full",
        "EMBEDDING_MODEL": str(model.resolve()),
        "EMBEDDING_CACHE_ITEMS": "0",
        "VISION_DEVICE": "cpu",
        "VISION_DTYPE": dtype,
        "LOG_LEVEL": "INFO",
    }
    return Mesh(data_dir, variables)


def run(stack: ExitStack) -> Results:
    """Starts, measures and stops everything."""
    model = full_size_clip.ensure(Path("var/bench"))
    images = [photographs.jpeg(seed) for seed in range(max(IMAGES, COMPARED))]
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    for number, image in enumerate(images[:IMAGES]):
        (folder / f"{number:03}.jpg").write_bytes(image)
    servers = start(stack, folder, model)
    cosines = servers.cosines(model, images[:COMPARED])
    batched, single = [], []
    for number in range(ROUNDS):
        print(f"round {number + 1} of {ROUNDS}", file=sys.stderr)
        batched.append(servers.batched(images[:IMAGES]))
        single.append(servers.single(images[: IMAGES // 2]))
    idle = idle_percent(servers.meshes[servers.best], IDLE_S)
    kilobytes = sum(map(len, images)) / len(images) / 1000
    return Results(servers.best, IMAGES, kilobytes, batched, single, cosines, idle)


if __name__ == "__main__":
    with ExitStack() as stack:
        results = run(stack)
    print(markdown(results))
