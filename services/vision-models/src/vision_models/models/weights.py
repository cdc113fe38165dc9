"""Which weights a model loads, and whether their files are what they should be."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

from facetkit.errors import NotReady

MANIFEST = "manifest.json"
PREPROCESSING_VERSION = "p1"
"""Raised when the way from bytes to pixels changes, since the vectors change with it."""

PINNED = {
    (
        "sentence-transformers/clip-ViT-B-32",
        "327ab6726d33c0e22f920c83f2ff9e4bd38ca37f",
    ): {
        "0_CLIPModel/model.safetensors": (
            "99d28a652e6ec46629ab7047a0ac82c69b1fe11e0ce672c43af65d3a9a3fc05d"
        )
    },
    (
        "openai/clip-vit-large-patch14",
        "32bd64288804d66eefd0ccbe215aa642df71cc41",
    ): {"model.safetensors": "a2bf730a0c7debf160f7a6b50b3aaf3703e7e88ac73de7a314903141db026dcb"},
}
"""SHA-256 of the weights by hub id and revision."""


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
        raise NotReady(f"no weights in {folder}")
    for file, sha256 in _listed(manifest).items():
        path = folder / file
        if not path.is_file() or _sha256(path) != sha256:
            raise NotReady(f"the weights file {path} is missing or differs from its manifest")
    version = f"{_sha256(manifest)[:12]}-{PREPROCESSING_VERSION}"
    return Weights(name or folder.name, str(folder), model_set, version)


def _listed(manifest: Path) -> dict[str, str]:
    try:
        listed = json.loads(manifest.read_text(encoding="utf-8"))
    except ValueError:
        listed = None
    if not isinstance(listed, dict) or not listed:
        raise NotReady(f"the manifest {manifest} is damaged")
    return listed


def from_hub(model_id: str, revision: str, model_set: str) -> Weights:
    """The weights of a hub id at a pinned revision, downloaded on first use, or of a folder.

    Raises NotReady when they cannot be had or differ from what is pinned for that revision.
    """
    if (Path(model_id) / MANIFEST).is_file():
        return from_folder(Path(model_id), model_set)
    folder = Path(model_id) if Path(model_id).is_dir() else _download(model_id, revision)
    check_pinned(folder, model_id, revision)
    name = model_id.rstrip("/").rsplit("/", 1)[-1]
    version = f"{revision[:12]}-{PREPROCESSING_VERSION}"
    return Weights(name, str(folder), model_set, version)


def check_pinned(folder: Path, model_id: str, revision: str) -> None:
    """Raises NotReady when a file below `folder` differs from what is pinned for the revision."""
    for file, sha256 in PINNED.get((model_id, revision), {}).items():
        if _sha256(folder / file) != sha256:
            raise NotReady(f"{file} of {model_id} differs from the pinned SHA-256")


def _download(model_id: str, revision: str) -> Path:
    try:
        return Path(
            snapshot_download(
                model_id, revision=revision, allow_patterns=["*.json", "*.txt", "*.safetensors"]
            )
        )
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise NotReady(f"the weights of {model_id} cannot be downloaded") from error


def write_manifest(folder: Path) -> None:
    """Lists the SHA-256 of every file below `folder` in its manifest."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    listed = {path.relative_to(folder).as_posix(): _sha256(path) for path in files}
    (folder / MANIFEST).write_text(json.dumps(listed, indent=1, sort_keys=True), encoding="utf-8")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
