"""The rules for keys of objects."""

import re
from posixpath import splitext

from facetkit.errors import InvalidInput

RESERVED_SEGMENTS = frozenset(
    {"gen_images", "excel_files", "bundles", "trash", "photobooth", "templates"}
)
"""Path segments whose objects synchronisation never indexes."""

PUBLIC_PREFIXES = frozenset({"images", "gen_images", "excel_files", "bundles"})
"""First segments whose objects are readable by whoever knows the key."""

MAX_KEY_BYTES = 1024
MAX_SEGMENT_BYTES = 255
INTERNAL_PREFIX = ".facet-"
"""How the names begin that stores keep for their own files."""

_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\\]")
_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
_CONTENT_TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".zip": "application/zip",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xlsm": "application/vnd.ms-excel.sheet.macroEnabled.12",
    ".json": "application/json",
    ".pdf": "application/pdf",
}


def check_key(key: str) -> str:
    """`key` itself. Raises InvalidInput for a key that no store accepts.

    Refused: empty or over 1024 bytes of UTF-8, absolute, with a backslash or a control
    character, with a segment that is empty, `.`, `..`, over 255 bytes or reserved by the store.
    """
    reason = _key_fault(key) or next(filter(None, map(_segment_fault, key.split("/"))), None)
    if reason:
        raise InvalidInput(f"'key' {reason}", fields={"key": reason})
    return key


def is_indexed(key: str) -> bool:
    """Whether the key is one of an image that synchronisation indexes, wherever it lies."""
    # Some file systems do not tell cases apart, and then Trash/ is trash/.
    folded = key.casefold()
    return folded.endswith(_IMAGE_SUFFIXES) and RESERVED_SEGMENTS.isdisjoint(folded.split("/"))


def content_type_of(key: str) -> str:
    """The content type of the key's extension; `application/octet-stream` for an unknown one."""
    return _CONTENT_TYPES.get(splitext(key)[1].lower(), "application/octet-stream")


def _key_fault(key: str) -> str | None:
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        return "is not valid text"
    if not key:
        return "is empty"
    if size > MAX_KEY_BYTES:
        return f"is longer than {MAX_KEY_BYTES} bytes"
    if key.startswith("/"):
        return "is absolute"
    if _FORBIDDEN.search(key):
        return "has a backslash or a control character"
    return None


def _segment_fault(segment: str) -> str | None:
    if segment in {"", ".", ".."}:
        return "has a segment that is empty, '.' or '..'"
    if len(segment.encode()) > MAX_SEGMENT_BYTES:
        return f"has a segment longer than {MAX_SEGMENT_BYTES} bytes"
    if segment.lower().startswith(INTERNAL_PREFIX):
        return f"has a segment that starts with '{INTERNAL_PREFIX}'"
    return None
