"""Rows to fill vector stores with."""

from datetime import UTC, datetime, timedelta

from search.domain import Item, Row
from tests.search.fakes import unit

BEGIN = datetime(2026, 1, 1, 12, 0, 0, 123000, UTC)


def row(number: int, **changes: object) -> Row:
    """A row whose every field depends on its number; its vector on the number alone."""
    item_id = f"{number:064x}"
    values: dict[str, object] = {
        "id": item_id,
        "key": f"images/{item_id}.{'png' if number % 2 else 'jpg'}",
        "content_type": "image/png" if number % 2 else "image/jpeg",
        "size_bytes": 1000 + number,
        "width": 100 * number,
        "height": 50 * number,
        "created_at": BEGIN + timedelta(days=number % 1000),
    }
    item = Item(**(values | changes))  # type: ignore[arg-type]
    return Row(item, unit(item_id.encode()))


ROWS = [row(number) for number in range(1, 21)]
