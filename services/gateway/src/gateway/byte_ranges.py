"""The Range header of RFC 9110, single ranges alone."""

import re

_SINGLE = re.compile(r"bytes=\s*([0-9]{0,18})-([0-9]{0,18})\s*", re.IGNORECASE)


def byte_range(header: str, size: int) -> range | None:
    """The bytes of `size` that are asked for; empty where none of them is there.

    None for what a server may pass over: several ranges, other units, broken syntax.
    """
    match = _SINGLE.fullmatch(header)
    first, last = match.groups() if match else ("", "")
    if first:
        end = min(int(last) + 1, size) if last else size
        return None if last and int(last) < int(first) else range(int(first), end)
    return range(max(0, size - int(last)), size) if last else None
