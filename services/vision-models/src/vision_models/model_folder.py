"""A model's folder, written whole or not at all."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vision_models.models.weights import write_manifest


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """A folder to fill; once it is whole it gets its manifest and takes the place of `folder`."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=".making-", dir=folder.parent))
    try:
        yield making
        write_manifest(making)
        for path in (making, *making.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        if folder.exists():
            folder.rename(making.with_suffix(".old"))
        making.rename(folder)
        shutil.rmtree(making.with_suffix(".old"), ignore_errors=True)
    finally:
        shutil.rmtree(making, ignore_errors=True)
