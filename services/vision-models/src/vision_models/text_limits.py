"""What callers' texts and labels may be."""

from collections.abc import Sequence

from facetkit.errors import InvalidInput

MAX_TEXTS = 256
MAX_TEXT_CHARS = 2000
MAX_LABELS = 1000
MAX_LABEL_CHARS = 200


def check_texts(texts: Sequence[str]) -> None:
    """Raises InvalidInput unless there are 1 to 256 texts of 1 to 2,000 characters."""
    if not 1 <= len(texts) <= MAX_TEXTS:
        _refuse("texts", f"must have 1 to {MAX_TEXTS} elements")
    _check_lengths("texts", texts, MAX_TEXT_CHARS)


def check_labels(labels: Sequence[str]) -> None:
    """Raises InvalidInput unless there are at most 1,000 distinct labels of 1 to 200 characters."""
    if len(labels) > MAX_LABELS:
        _refuse("labels", f"must have at most {MAX_LABELS} elements")
    _check_lengths("labels", labels, MAX_LABEL_CHARS)
    first: dict[str, int] = {}
    for index, label in enumerate(labels):
        if first.setdefault(label, index) != index:
            _refuse(f"labels[{index}]", f"must differ from labels[{first[label]}]")


def _check_lengths(field: str, texts: Sequence[str], most_chars: int) -> None:
    for index, text in enumerate(texts):
        if not text.strip() or len(text) > most_chars:
            _refuse(f"{field}[{index}]", f"must have 1 to {most_chars} characters")


def _refuse(field: str, message: str) -> None:
    raise InvalidInput(f"'{field}' {message}", fields={field: message})
