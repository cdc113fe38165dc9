"""Which weights a model loads, and whether their files are what they should be."""

import functools
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError

from facetkit.errors import NotReady
from vision_models.models.pinned import PINNED

MANIFEST = "manifest.json"
PREPROCESSING_VERSION = "p1"
"""Raised when the way from bytes to pixels changes, since the vectors change with it."""

MODEL_FILES = ["*.json", "*.txt", "*.jinja", "*.model", "*.safetensors"]
_OLD_WEIGHTS = "*.bin"
DIFFUSION_FILES = [
    *("*/*.json", "*/*.txt", "model_index.json"),
    *("unet/diffusion_pytorch_model.safetensors", "vae/diffusion_pytorch_model.safetensors"),
    *("text_encoder/model.safetensors", "safety_checker/model.safetensors"),
]
"""Of a pipeline's repository: it holds the same weights in several forms, each gigabytes large."""


@dataclass(frozen=True, slots=True)
class Weights:
    """A folder of weights; `version` covers weights and preprocessing."""

    name: str
    folder: str
    model_set: str
    version: str


def from_folder(folder: Path, model_set: str, name: str = "") -> Weights:
    """The weights in `folder`, checked against the SHA-256 manifest that lies in it.

    The folder's own name is the model's where none is given.

    Raises NotReady when the folder or one of its files is missing or differs.
    """
    manifest = folder / MANIFEST
    if not manifest.is_file():
        raise NotReady(f"no weights in the folder {folder.name}")
    for file, sha256 in _listed(manifest).items():
        path = folder / file
        if not path.is_file() or _sha256(path) != sha256:
            raise NotReady(f"{file} of {folder.name} is missing or differs from its manifest")
    version = f"{_sha256(manifest)[:12]}-{PREPROCESSING_VERSION}"
    return Weights(name or folder.name, str(folder), model_set, version)


def _listed(manifest: Path) -> dict[str, str]:
    try:
        listed = json.loads(manifest.read_text(encoding="utf-8"))
    except ValueError:
        listed = None
    if not isinstance(listed, dict) or not listed:
        raise NotReady(f"the manifest of {manifest.parent.name} is damaged")
    return listed


def from_hub(
    model_id: str,
    revision: str,
    model_set: str,
    token: str = "",
    files: Sequence[str] = MODEL_FILES,
) -> Weights:
    """The weights of a hub id at a pinned revision, downloaded on first use, or of a folder.

    `files` are the patterns of what is downloaded; `token` is the hub's; empty: that of the
    machine, if it has one.

    Raises NotReady when they cannot be had or differ from what is pinned for that revision.
    """
    if (Path(model_id) / MANIFEST).is_file():
        return from_folder(Path(model_id), model_set)
    given = Path(model_id)
    folder = given if given.is_dir() else _download(model_id, revision, token, files)
    check_pinned(folder, model_id, revision)
    name = model_id.rstrip("/").rsplit("/", 1)[-1]
    version = f"{revision[:12]}-{PREPROCESSING_VERSION}"
    return Weights(name, str(folder), model_set, version)


def identity(model_id: str, revision: str, model_set: str) -> Weights:
    """What `from_hub` gives, known without a download and without looking at the weights."""
    manifest = Path(model_id) / MANIFEST
    stamp = _sha256(manifest) if manifest.is_file() else revision
    name = model_id.rstrip("/").rsplit("/", 1)[-1]
    return Weights(name, model_id, model_set, f"{stamp[:12]}-{PREPROCESSING_VERSION}")


def check_pinned(folder: Path, model_id: str, revision: str) -> None:
    """Raises NotReady when a file that is pinned for the revision is missing or differs."""
    for file, sha256 in PINNED.get((model_id, revision), {}).items():
        if not (folder / file).is_file():
            raise NotReady(f"{file} of {model_id} is missing")
        if _sha256(folder / file) != sha256:
            raise NotReady(f"{file} of {model_id} differs from the pinned SHA-256")


def _download(model_id: str, revision: str, token: str, files: Sequence[str]) -> Path:
    download = functools.partial(
        snapshot_download, model_id, revision=revision, token=token or None
    )
    try:
        folder = Path(download(allow_patterns=list(files)))
        if next(folder.rglob("*.safetensors"), None) is None:
            download(allow_patterns=_OLD_WEIGHTS)
    except GatedRepoError as error:
        needed = f"accept the licence of {model_id} on its page and set HF_TOKEN"
        raise NotReady(f"licence and token needed: {needed}") from error
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise NotReady(f"the weights of {model_id} cannot be downloaded") from error
    return folder


def write_manifest(folder: Path) -> None:
    """Lists the SHA-256 of every file below `folder` in its manifest."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    listed = {path.relative_to(folder).as_posix(): _sha256(path) for path in files}
    (folder / MANIFEST).write_text(json.dumps(listed, indent=1, sort_keys=True), encoding="utf-8")


def _sha256(path: Path) -> str:
    status = path.stat()
    return _digest(path, status.st_mtime_ns, status.st_size)


# Of a file that did not change: gigabytes are not read again each time that a model is swapped in.
@functools.lru_cache(maxsize=256)
def _digest(path: Path, mtime_ns: int, size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
