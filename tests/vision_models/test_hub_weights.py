"""Weights from a hub, as its client finds them there: in a process of its own, for its settings."""

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from facetkit.errors import NotReady
from vision_models.models import weights
from vision_models.models.pinned import PINNED

REVISION = "0" * 39 + "1"
OPEN, GATED = "someone/open-model", "someone/gated-model"
PIPELINE = "someone/pipeline"
FILES = {
    "config.json": b"{}",
    "vocab.txt": b"[PAD]",
    "chat_template.jinja": b"{{ text }}",
    "tokenizer.model": b"pieces",
    "pytorch_model.bin": b"weights",
    "tf_model.h5": b"other weights",
}
NEEDED = {
    name: name.encode()
    for name in (
        "model_index.json",
        "feature_extractor/preprocessor_config.json",
        "safety_checker/model.safetensors",
        "scheduler/scheduler_config.json",
        "text_encoder/model.safetensors",
        "tokenizer/merges.txt",
        "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors",
        "vae/diffusion_pytorch_model.safetensors",
    )
}
OTHER_FORMS = {
    name: b"gigabytes"
    for name in (
        "v1-5-pruned.safetensors",
        "v1-5-pruned-emaonly.ckpt",
        "text_encoder/model.fp16.safetensors",
        "text_encoder/pytorch_model.bin",
        "unet/diffusion_pytorch_model.bin",
        "unet/diffusion_pytorch_model.fp16.safetensors",
        "unet/diffusion_pytorch_model.non_ema.safetensors",
    )
}
SCRIPT = """
import sys
from facetkit.errors import NotReady
from vision_models.models import weights
files = getattr(weights, sys.argv[3])
try:
    print(weights.from_hub(sys.argv[1], sys.argv[2], "full", files=files).folder)
except NotReady as error:
    print(error.message)
"""


class Hub(http.server.BaseHTTPRequestHandler):
    """Lists every model's files; hands out those of the open one."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self.wfile.write(self._answer())

    def log_message(self, *arguments: object) -> None:
        """Says nothing."""

    def _answer(self) -> bytes:
        path, headers, status = self.path.partition("?")[0], {}, 200
        if "/tree/" in path:
            files = [
                {"type": "file", "path": name, "size": len(content), "oid": name}
                for name, content in _files(path).items()
            ]
            content, headers["Content-Type"] = json.dumps(files).encode(), "application/json"
        elif path.startswith("/api/"):
            content, status = b"", 404
        elif GATED in path:
            content, status, headers["X-Error-Code"] = b"", 403, "GatedRepo"
        else:
            name = path.partition(f"/resolve/{REVISION}/")[2]
            content = _files(path)[name]
            headers |= {"ETag": f'"{name.replace("/", "-")}"', "X-Repo-Commit": REVISION}
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(content))}).items():
            self.send_header(name, value)
        self.end_headers()
        return content


def _files(path: str) -> dict[str, bytes]:
    return NEEDED | OTHER_FORMS if PIPELINE in path else FILES


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def from_hub(hub: str, model_id: str, home: Path, files: str = "MODEL_FILES") -> str:
    """What `weights.from_hub` says: the folder, or why there is none."""
    environment = {"HF_ENDPOINT": hub, "HF_HOME": str(home), "HOME": str(home)}
    command = [sys.executable, "-c", SCRIPT, model_id, REVISION, files]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_old_weights_are_fetched_where_a_revision_has_no_safetensors(
    hub: str, tmp_path: Path
) -> None:
    folder = Path(from_hub(hub, OPEN, tmp_path))
    fetched = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert fetched == {name: FILES[name] for name in FILES if name != "tf_model.h5"}


def test_of_a_pipeline_one_form_of_each_network_is_fetched(hub: str, tmp_path: Path) -> None:
    folder = Path(from_hub(hub, PIPELINE, tmp_path, "DIFFUSION_FILES"))
    fetched = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert fetched == NEEDED


def test_a_gated_model_says_what_is_needed(hub: str, tmp_path: Path) -> None:
    said = from_hub(hub, GATED, tmp_path)
    assert said == (
        f"licence and token needed: accept the licence of {GATED} on its page and set HF_TOKEN"
    )


@pytest.mark.parametrize("pinned", PINNED)
def test_a_pinned_file_that_is_missing_is_named(tmp_path: Path, pinned: tuple[str, str]) -> None:
    model_id, revision = pinned
    first = next(iter(PINNED[pinned]))
    with pytest.raises(NotReady, match=f"{first} of {model_id} is missing"):
        weights.check_pinned(tmp_path, model_id, revision)
