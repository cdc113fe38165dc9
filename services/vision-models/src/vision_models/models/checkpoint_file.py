"""Which single file of weights a model loads: one on this machine, or one from a URL."""

import hashlib
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit

from torch import hub

from facetkit.errors import NotReady
from vision_models.models.weights import MANIFEST, PREPROCESSING_VERSION, Weights, from_folder

SUFFIXES = (".pth", ".pt")
_SCHEMES = ("http", "https")


def is_url(source: str) -> bool:
    """Whether `source` is fetched rather than opened."""
    return urlsplit(source).scheme in _SCHEMES


def from_source(source: str, sha256: str, models_dir: Path) -> Weights:
    """The weights of a URL, downloaded below `models_dir` on first use, or of a file or folder.

    With `sha256` (hexadecimal) they must have it; those of a URL always must.
    Raises NotReady when they cannot be had or differ.
    """
    if is_url(source):
        file = _downloaded(source, sha256.lower(), models_dir)
    elif (Path(source) / MANIFEST).is_file():
        return from_folder(Path(source), "full")
    else:
        file = only_file(Path(source), Path(source).name)
    digest = _digest(file)
    if sha256 and digest != sha256.lower():
        raise NotReady(f"{file.name} differs from the SHA-256 that is set for it")
    return Weights(file.stem, str(file), "full", f"{digest[:12]}-{PREPROCESSING_VERSION}")


def only_file(place: Path, name: str) -> Path:
    """The file `place`, or the only checkpoint in the folder `place`, of the model `name`."""
    if place.is_file():
        return place
    if not place.is_dir():
        raise NotReady(f"there is no checkpoint of {name}")
    files = [file for file in place.iterdir() if file.suffix in SUFFIXES]
    if len(files) != 1:
        raise NotReady(f"the folder of {name} must hold one .pth or .pt file")
    return files[0]


def _downloaded(url: str, sha256: str, models_dir: Path) -> Path:
    file = models_dir / Path(urlsplit(url).path).name
    if file.suffix not in SUFFIXES:
        raise NotReady("the URL of a checkpoint must end in .pth or .pt")
    if not sha256:
        raise NotReady(f"{file.name} is not downloaded without a SHA-256 to check it by")
    if file.is_file() and _digest(file) == sha256:
        return file
    try:
        models_dir.mkdir(parents=True, exist_ok=True)
        hub.download_url_to_file(url, str(file), hash_prefix=sha256, progress=False)
    except RuntimeError as error:
        raise NotReady(f"{file.name} differs from the SHA-256 that is set for it") from error
    except (OSError, HTTPException, ValueError) as error:
        if isinstance(error, HTTPError):
            error.close()
        raise NotReady(f"{file.name} cannot be downloaded") from error
    return file


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise NotReady(f"{file.name} cannot be read") from error
