"""One mesh per data folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mesh.errors import CannotStart

LOCK_FILE = "mesh.lock"


@contextmanager
def data_dir_lock(folder: Path) -> Iterator[None]:
    """Make the folder and hold its lock; CannotStart when another mesh holds it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise CannotStart(f"FACET_DATA_DIR={folder} is not usable: {error.strerror}") from error
    # The lock ends with this process, however it ends; the file itself stays.
    with os.fdopen(descriptor, "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            pid = file.read().strip() or "unknown"
            raise CannotStart(
                f"the mesh already runs on {folder} (pid {pid}); "
                "stop it or set FACET_DATA_DIR to another folder"
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
