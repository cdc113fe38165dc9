"""The tables of search. Times are milliseconds since 1970."""

import sqlalchemy as sa

from facetkit.sql import key_type
from facetkit.sql_job_tables import JobTables

SCHEMA = "search"
METADATA = sa.MetaData()

OBJECTS = sa.Table(
    "objects",
    METADATA,
    sa.Column("key", key_type(), primary_key=True),
    sa.Column("etag", sa.Text, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    # Null where the content cannot be indexed; code and error then say why.
    sa.Column("image_id", key_type(64)),
    sa.Column("code", sa.String(32), nullable=False),
    sa.Column("error", sa.Text, nullable=False),
    # The job whose listing did not have the key.
    sa.Column("missing_job", sa.String(64)),
    sa.Index("objects_image", "image_id"),
    sa.Index("objects_missing", "missing_job", "key"),
)

IMAGES = sa.Table(
    "images",
    METADATA,
    sa.Column("id", key_type(64), primary_key=True),
    sa.Column("key", key_type(), nullable=False),
    sa.Column("content_type", sa.String(64), nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("pixels", key_type(64)),
    sa.Column("perceptual", sa.LargeBinary),
    sa.Index("images_pixels", "pixels"),
)

HOLDINGS = sa.Table(
    "holdings",
    METADATA,
    # Names model and preprocessing version.
    sa.Column("collection", key_type(255), primary_key=True),
    sa.Column("image_id", key_type(64), primary_key=True),
    sa.Index("holdings_image", "image_id"),
)

MODELS = sa.Table(
    "models",
    METADATA,
    sa.Column("collection", key_type(255), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("model_set", sa.String(32), nullable=False),
    sa.Column("dimensions", sa.Integer, nullable=False),
    sa.Column("since_ms", sa.BigInteger, nullable=False),
)

PAIRS = sa.Table(
    "pairs",
    METADATA,
    sa.Column("collection", key_type(255), primary_key=True),
    sa.Column("first", key_type(64), primary_key=True),
    sa.Column("second", key_type(64), primary_key=True),
    sa.Column("tier", sa.SmallInteger, nullable=False),
    sa.Column("score", sa.Float, nullable=False),
    sa.Column("same_pixels", sa.Boolean, nullable=False),
    sa.Index("pairs_first", "first"),
    sa.Index("pairs_second", "second"),
)

JOBS = JobTables(METADATA)
