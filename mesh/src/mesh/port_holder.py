"""Which process listens on a port, as far as /proc tells."""

from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")
LISTENING = "0A"
MAX_COMMAND_CHARS = 80


def port_holder(port: int) -> str | None:
    """Return `command (pid n)`, or None where nothing can be known."""
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    if not sockets:
        return None
    for process in PROC.glob("[0-9]*"):
        if not sockets.isdisjoint(_open_files(process)):
            return f"{_command(process)} (pid {process.name})"
    return None


def _listening_inodes(port: int) -> Iterator[str]:
    suffix = f":{port:04X}"
    for table in (PROC / "net/tcp", PROC / "net/tcp6"):
        try:
            rows = table.read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            fields = row.split()
            if fields[1].endswith(suffix) and fields[3] == LISTENING:
                yield fields[9]


def _open_files(process: Path) -> Iterator[str]:
    # Another user's process, or one that just ended, shows nothing.
    try:
        descriptors = list((process / "fd").iterdir())
    except OSError:
        return
    for descriptor in descriptors:
        try:
            yield str(descriptor.readlink())
        except OSError:
            continue


def _command(process: Path) -> str:
    try:
        words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return "a process"
    return " ".join(words).strip()[:MAX_COMMAND_CHARS] or "a process"
