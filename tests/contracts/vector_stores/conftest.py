"""The vector stores under test."""

from collections.abc import AsyncIterator, Iterator

import pytest

from search.domain import VectorStore
from tests.contracts.vector_stores.making import KEEPERS, opened_store
from tests.search.milvus_lite import MilvusLite
from tests.search.vector_rows import ROWS


@pytest.fixture(scope="session")
def lite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusLite]:
    """One Milvus Lite for all tests; every test makes its own collection."""
    server = MilvusLite(tmp_path_factory.mktemp("milvus"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session", params=KEEPERS)
def keeper(request: pytest.FixtureRequest) -> str:
    """Who keeps the rows."""
    name: str = request.param
    return name


@pytest.fixture(scope="session", params=["alone", "matrix"])
def matrix(request: pytest.FixtureRequest) -> bool:
    """Whether the matrix answers."""
    name: str = request.param
    return name == "matrix"


@pytest.fixture
async def store(keeper: str, matrix: bool, lite: MilvusLite) -> AsyncIterator[VectorStore]:
    """An empty store."""
    async with opened_store(keeper, lite, matrix=matrix) as store:
        yield store


@pytest.fixture(scope="module")
async def filled(keeper: str, matrix: bool, lite: MilvusLite) -> AsyncIterator[VectorStore]:
    """A store with `ROWS`, not to be written to."""
    async with opened_store(keeper, lite, matrix=matrix) as store:
        await store.upsert(ROWS)
        yield store
