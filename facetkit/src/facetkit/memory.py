"""Gives freed memory back to the system."""

import asyncio
import ctypes
import gc
from pathlib import Path

_STATM = Path("/proc/self/statm")
_PAGE_BYTES = 4096
_CHECK_S = 1.0
_GROWTH_BYTES = 16 * 2**20
_TRIMS = 10


def settle() -> None:
    """Keeps the collector from looking again at all that has been loaded so far."""
    gc.collect()
    gc.freeze()


async def keep_trimmed() -> None:
    """Trims the heap whenever the process has grown by a large upload or two; runs for ever.

    Left alone, glibc keeps what the largest requests once took, since some small block that
    lives on lies above it. It is trimmed several times, as those requests may still be in work.
    Where the C library is another one, nothing is done.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is None or not _STATM.exists():
        return
    settle()
    kept = _resident_bytes()
    while True:
        await asyncio.sleep(_CHECK_S)
        if _resident_bytes() > kept + _GROWTH_BYTES:
            for _ in range(_TRIMS):
                # Calls that ended and pictures that were closed lie in cycles.
                gc.collect()
                await asyncio.to_thread(trim, 0)
                await asyncio.sleep(_CHECK_S)
            kept = _resident_bytes()
        kept = min(kept, _resident_bytes())


def _resident_bytes() -> int:
    return int(_STATM.read_text().split()[1]) * _PAGE_BYTES
