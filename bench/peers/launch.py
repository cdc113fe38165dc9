"""How each peer is started: on a free port, one OpenMP thread a process, batches of 16."""

import os
from collections.abc import Sequence
from pathlib import Path

from bench.load import MODEL
from bench.mesh_processes import LOGS
from bench.peers import environments
from bench.servers import Server
from tests.ports import free_port
from vision_models.clip_layout import INNER

HOST = "127.0.0.1"
_PINNED = {
    "OMP_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",
    "INFINITY_ANONYMOUS_USAGE_STATS": "0",
}
_INFINITY_OPTIONS = (
    *("--served-model-name", MODEL, "--device", "cpu", "--engine", "torch"),
    *("--no-bettertransformer", "--batch-size", "16"),
)


def start(model: Path) -> dict[str, Server]:
    """All peers over sentence-transformers' layout of one model, by name and version."""
    infinity = environments.interpreter("infinity")
    others = environments.interpreter("sentence_transformers")
    plain = _named("FastAPI + sentence-transformers", others, "sentence-transformers")
    return {
        _named("infinity_emb", infinity, "infinity-emb"): _infinity(infinity, model),
        _named("LitServe", others, "litserve"): _script(others, "lit", model),
        plain: _script(others, "plain", model),
    }


def _named(name: str, python: Path, package: str) -> str:
    return f"{name} {environments.version(python, package)}"


def _infinity(python: Path, model: Path) -> Server:
    port = free_port()
    program = (str(python.with_name("infinity_emb")), "v2", "--model-id", str(model / INNER))
    address = ("--host", HOST, "--port", str(port))
    return _serve("infinity", (*program, *_INFINITY_OPTIONS, *address), port)


def _script(python: Path, name: str, model: Path) -> Server:
    port = free_port()
    script = Path(__file__).with_name(f"{name}.py")
    return _serve(name, (str(python), str(script), str(model), str(port)), port)


def _serve(name: str, command: Sequence[str], port: int) -> Server:
    log = LOGS / f"{name}.log"
    url = f"http://{HOST}:{port}"
    return Server(command, os.environ | _PINNED, url=url, ready="/health", log=log)
