"""Manifest, holdings, pairs and jobs."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Makes the first tables."""
    _objects_and_images()
    _holdings_and_pairs()
    _jobs()


def _key(length: int | None = None) -> Any:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def _objects_and_images() -> None:
    op.create_table(
        "objects",
        sa.Column("key", _key(), primary_key=True),
        sa.Column("etag", sa.Text, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("image_id", _key(64)),
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("missing_job", sa.String(64)),
    )
    op.create_index("objects_image", "objects", ["image_id"])
    op.create_index("objects_missing", "objects", ["missing_job", "key"])
    op.create_table(
        "images",
        sa.Column("id", _key(64), primary_key=True),
        sa.Column("key", _key(), nullable=False),
        sa.Column("content_type", sa.String(64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("pixels", _key(64)),
        sa.Column("perceptual", sa.LargeBinary),
    )
    op.create_index("images_pixels", "images", ["pixels"])


def _holdings_and_pairs() -> None:
    op.create_table(
        "holdings",
        sa.Column("collection", _key(255), primary_key=True),
        sa.Column("image_id", _key(64), primary_key=True),
    )
    op.create_index("holdings_image", "holdings", ["image_id"])
    op.create_table(
        "models",
        sa.Column("collection", _key(255), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("model_set", sa.String(32), nullable=False),
        sa.Column("dimensions", sa.Integer, nullable=False),
        sa.Column("since_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "pairs",
        sa.Column("collection", _key(255), primary_key=True),
        sa.Column("first", _key(64), primary_key=True),
        sa.Column("second", _key(64), primary_key=True),
        sa.Column("tier", sa.SmallInteger, nullable=False),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("same_pixels", sa.Boolean, nullable=False),
    )
    op.create_index("pairs_first", "pairs", ["first"])
    op.create_index("pairs_second", "pairs", ["second"])


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", _key(64), primary_key=True),
        *(sa.Column(name, sa.String(32), nullable=False) for name in ("kind", "lane")),
        sa.Column("active", sa.String(32), unique=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("result", sa.JSON, nullable=False),
        *(
            sa.Column(name, sa.BigInteger, nullable=False)
            for name in ("done", "total", "failed_count")
        ),
        sa.Column("error_code", sa.String(32), nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("owner", sa.String(128), nullable=False),
        sa.Column("beat_ms", sa.BigInteger, nullable=False),
        sa.Column("cancelling", sa.Boolean, nullable=False),
        *(
            sa.Column(name, sa.BigInteger, nullable=False)
            for name in ("version", "created_ms", "updated_ms")
        ),
    )
    op.create_table(
        "job_failures",
        sa.Column("job_id", _key(64), primary_key=True),
        sa.Column("item", _key(), primary_key=True),
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("error", sa.Text, nullable=False),
    )
