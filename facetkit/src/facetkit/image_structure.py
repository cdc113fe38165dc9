"""What a file's own structure says about the cost of decoding it, before a decoder sees it."""

import re
from collections.abc import Iterator, Sequence

from facetkit.errors import Unprocessable

MAX_PARTS = 20_000
MAX_SCANS = 100
MAX_JUNK_BYTES = 65_536

_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_ALONE = {0x01, 0xD8}
_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


def check_jpeg(content: bytes) -> bool:
    """Whether decoding must hold every coefficient: progressive, or the colours in several scans.

    Raises Unprocessable for a file made to keep a decoder busy: a decoder walks the whole
    picture once a scan, and over junk byte by byte.
    """
    colours, buffered, scans, junk, end = 0, False, 0, 0, 2
    for parts, (marker, start, stop) in enumerate(_segments(content)):
        junk += start - end if not scans else 0
        if marker in _FRAMES:
            buffered = marker in _PROGRESSIVE
            colours = _byte(content, start + 9)
        elif marker == _START_OF_SCAN:
            scans += 1
            buffered = buffered or _byte(content, start + 4) < colours
            if not buffered:
                break
        if parts >= MAX_PARTS or scans > MAX_SCANS or junk > MAX_JUNK_BYTES:
            raise Unprocessable("the image has too many parts")
        end = stop
    if not scans:
        raise Unprocessable("the image is damaged")
    return buffered


def coefficient_bytes(width: int, height: int, sampling: Sequence[tuple[int, int]]) -> int:
    """Bytes of all coefficients of a JPEG: two each, in whole blocks of 8 x 8 and whole MCUs.

    `sampling` holds the horizontal and vertical factor of each colour, all at least 1.
    """
    across = -(-width // (8 * max(horizontal for horizontal, _ in sampling)))
    down = -(-height // (8 * max(vertical for _, vertical in sampling)))
    return sum(across * down * horizontal * vertical * 128 for horizontal, vertical in sampling)


def check_png(content: bytes) -> None:
    """Raises Unprocessable for a file that ends early or is cut into absurdly many chunks."""
    position = 8
    for _ in range(MAX_PARTS):
        header = content[position : position + 8]
        position += 12 + int.from_bytes(header[:4])
        if len(header) < 8 or position > len(content):
            raise Unprocessable("the image is damaged")
        if header[4:] == b"IEND":
            return
    raise Unprocessable("the image has too many parts")


def _segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, where it starts and where its segment stops, up to the end of the image."""
    stop = 2
    while found := _MARKER.search(content, stop):
        start, marker = found.start(), found[0][1]
        size = 0 if marker in _ALONE else int.from_bytes(content[start + 2 : start + 4])
        stop = start + 2 + size
        yield marker, start, stop
        if marker == _END_OF_IMAGE:
            return


def _byte(content: bytes, position: int) -> int:
    return content[position] if position < len(content) else 0
