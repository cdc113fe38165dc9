"""The object stores under test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from facetkit.local_objects import LocalObjectStore
from facetkit.memory_objects import MemoryObjectStore
from facetkit.objects import ObjectStore
from facetkit.s3_bucket import S3Bucket
from facetkit.s3_connection import S3Connection
from facetkit.s3_objects import S3ObjectStore
from tests.s3_server import S3Server, access

PAGE_SIZE = 3
"""Of all stores, so that a few objects make several pages."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of `local`."""
    return tmp_path / "objects"


@pytest.fixture
async def local(root: Path) -> LocalObjectStore:
    """An empty folder."""
    made = LocalObjectStore(root, PAGE_SIZE)
    await made.ready()
    return made


@pytest.fixture(scope="session")
async def s3_connection(s3_server: S3Server) -> AsyncIterator[S3Connection]:
    """One for all tests: making a client takes a while."""
    connection = S3Connection(access(s3_server.url))
    yield connection
    await connection.close()


@pytest.fixture
def s3(s3_server: S3Server, s3_connection: S3Connection) -> S3ObjectStore:
    """An empty bucket."""
    bucket = S3Bucket(s3_server.bucket(), s3_server.url)
    return S3ObjectStore(bucket, s3_connection, page_size=PAGE_SIZE)


@pytest.fixture(params=["local", "memory", "s3"])
def store(request: pytest.FixtureRequest) -> ObjectStore:
    """Each store, empty."""
    if request.param == "memory":
        return MemoryObjectStore(PAGE_SIZE)
    made: ObjectStore = request.getfixturevalue(request.param)
    return made
