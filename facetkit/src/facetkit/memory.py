"""Gives freed memory back to the system."""

import asyncio
import ctypes
import gc
from collections.abc import Callable
from pathlib import Path

_STATM = Path("/proc/self/statm")
_PAGE_BYTES = 4096
_CHECK_S = 1.0
_GROWTH_BYTES = 16 * 2**20
_NOTHING_BYTES = 2**20
_FRUITLESS_TRIMS = 10


def settle() -> None:
    """Keeps the collector from looking again at all that has been loaded so far."""
    gc.collect()
    gc.freeze()


def release() -> None:
    """Gives back what was let go of, also where it had been loaded when `settle` was called."""
    gc.unfreeze()
    settle()
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


async def keep_trimmed() -> None:
    """Trims the heap whenever the process has grown by a large upload or two; runs for ever.

    Left alone, glibc keeps what the largest requests once took, since some small block that
    lives on lies above it. Growth is taken for good only when trimming has freed nothing for a
    while, as large requests may still be in work. With another C library nothing is done.
    """
    trim = _malloc_trim()
    if trim is None or not _STATM.exists():
        return
    settle()
    kept, fruitless = _resident_bytes(), 0
    while True:
        await asyncio.sleep(_CHECK_S)
        before = _resident_bytes()
        if before <= kept + _GROWTH_BYTES:
            kept, fruitless = min(kept, before), 0
            continue
        # Calls that ended and pictures that were closed lie in cycles.
        gc.collect()
        await asyncio.to_thread(trim, 0)
        fruitless = fruitless + 1 if before - _resident_bytes() < _NOTHING_BYTES else 0
        if fruitless == _FRUITLESS_TRIMS:
            kept = _resident_bytes()


def _malloc_trim() -> Callable[[int], int] | None:
    trim: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return trim


def _resident_bytes() -> int:
    return int(_STATM.read_text().split()[1]) * _PAGE_BYTES
