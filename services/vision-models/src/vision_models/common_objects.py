"""The labels for pictures that come without any: everyday objects and scenes."""

import re
from importlib import resources

from vision_models.text_limits import MAX_LABEL_CHARS, MAX_LABELS

FILE = "common_objects.txt"
_COMMENT = re.compile(r"(^|\s)#.*")


def text() -> str:
    """The file beside the code."""
    return resources.files("vision_models").joinpath(FILE).read_text(encoding="utf-8")


def shipped() -> tuple[str, ...]:
    """The labels of the file beside the code."""
    return parse(text())


def parse(listed: str) -> tuple[str, ...]:
    """The distinct labels of lines or commas; comments begin with #.

    Raises ValueError where there are none or too many, or one is too long.
    """
    lines = (_COMMENT.sub("", line) for line in listed.splitlines())
    parts = (part.strip() for line in lines for part in line.split(","))
    labels = tuple(dict.fromkeys(part for part in parts if part))
    if not 1 <= len(labels) <= MAX_LABELS:
        raise ValueError(f"must have 1 to {MAX_LABELS} labels, has {len(labels)}")
    for number, label in enumerate(labels, start=1):
        if len(label) > MAX_LABEL_CHARS:
            raise ValueError(
                f"label {number} must have 1 to {MAX_LABEL_CHARS} characters, has {len(label)}"
            )
    return labels
