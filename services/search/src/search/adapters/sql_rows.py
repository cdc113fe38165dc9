"""Rows of the tables ↔ the domain's types."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from search.adapters.tables import IMAGES
from search.domain import Fingerprint, Item
from search.manifest import Entry, Image

IMAGE_COLUMNS = tuple(IMAGES.c)


def object_values(entry: Entry) -> dict[str, Any]:
    """A row of `objects`."""
    return {
        "key": entry.key,
        "etag": entry.etag,
        "size_bytes": entry.size_bytes,
        "image_id": entry.image_id or None,
        "code": entry.code,
        "error": entry.error,
        "missing_job": None,
    }


def image_values(image: Image) -> dict[str, Any]:
    """A row of `images`."""
    item, prints = image.item, image.fingerprint
    return {
        "id": item.id,
        "key": item.key,
        "content_type": item.content_type,
        "size_bytes": item.size_bytes,
        "width": item.width,
        "height": item.height,
        "created_ms": round(item.created_at.timestamp() * 1000),
        "pixels": prints.pixels if prints else None,
        "perceptual": prints.perceptual if prints else None,
    }


def to_image(row: sa.Row[Any]) -> Image:
    """The image of a row of IMAGE_COLUMNS."""
    item = Item(
        row.id,
        row.key,
        row.content_type,
        row.size_bytes,
        row.width,
        row.height,
        datetime.fromtimestamp(row.created_ms / 1000, UTC),
    )
    if row.pixels is None:
        return Image(item)
    return Image(item, Fingerprint(row.pixels, bytes(row.perceptual)))


def to_images(rows: Sequence[sa.Row[Any]]) -> list[Image]:
    """The images of rows."""
    return [to_image(row) for row in rows]
