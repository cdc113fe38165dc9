"""Rows in Milvus' terms: collections, schema and records."""

import re
from datetime import UTC, datetime
from typing import Any

import numpy as np
from pymilvus import DataType, MilvusClient

from search.domain import Item, ModelInfo, Row

SCALARS = ("id", "key", "content_type", "size_bytes", "width", "height", "created_ms")


def collection_of(model: ModelInfo) -> str:
    """The collection of a model; another model has another one, so that vectors never mix."""
    parts = ("images", model.name, model.model_set, model.version)
    return re.sub(r"[^A-Za-z0-9]+", "_", "_".join(parts))


def schema(dimensions: int) -> Any:
    """Fixed fields only: dynamic and nullable ones differ between Milvus versions."""
    fields = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    fields.add_field("id", DataType.VARCHAR, is_primary=True, max_length=64)
    fields.add_field("vector", DataType.FLOAT_VECTOR, dim=dimensions)
    fields.add_field("key", DataType.VARCHAR, max_length=1024)
    fields.add_field("content_type", DataType.VARCHAR, max_length=64)
    for name in ("size_bytes", "width", "height", "created_ms"):
        fields.add_field(name, DataType.INT64)
    return fields


def index() -> Any:
    """FLAT: exact, and cheap on the machine that also answers from the matrix."""
    params = MilvusClient.prepare_index_params()
    params.add_index("vector", index_type="FLAT", metric_type="COSINE")
    return params


def to_record(row: Row) -> dict[str, Any]:
    """A row as Milvus stores it."""
    item = row.item
    return {
        "id": item.id,
        "vector": row.vector,
        "key": item.key,
        "content_type": item.content_type,
        "size_bytes": item.size_bytes,
        "width": item.width,
        "height": item.height,
        "created_ms": _milliseconds(item.created_at),
    }


def to_item(record: dict[str, Any]) -> Item:
    """The item of a stored record."""
    return Item(
        record["id"],
        record["key"],
        record["content_type"],
        record["size_bytes"],
        record["width"],
        record["height"],
        datetime.fromtimestamp(record["created_ms"] / 1000, UTC),
    )


def to_row(record: dict[str, Any]) -> Row:
    """A stored record with its vector."""
    return Row(to_item(record), np.asarray(record["vector"], np.float32))


def _milliseconds(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)
