"""Stores over the fake, over Milvus Lite, and over a server where one is named.

FACET_TEST_MILVUS_URI and FACET_TEST_MILVUS_TOKEN name that server; what is written there is
removed again.
"""

import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from search.adapters.matrix_store import MatrixStore
from search.adapters.milvus_collections import MilvusCollections
from search.domain import Collections, ModelInfo, VectorStore
from tests.search.fakes import MODEL, MemoryCollections
from tests.search.milvus_lite import MilvusLite

SERVER_URI = os.environ.get("FACET_TEST_MILVUS_URI", "")
SERVER_TOKEN = os.environ.get("FACET_TEST_MILVUS_TOKEN", "")
KEEPERS = ["memory", "lite", *(["server"] if SERVER_URI else [])]


def new_alias() -> str:
    """An alias that nobody uses."""
    return f"test_{uuid.uuid4().hex}"


def new_model() -> ModelInfo:
    """A model that nothing is stored of."""
    return ModelInfo("test", uuid.uuid4().hex, "fake", MODEL.dimensions)


def make_collections(
    keeper: str, lite: MilvusLite, alias: str, *, matrix: bool = False
) -> Collections:
    """The collections of one keeper."""
    if keeper == "memory":
        return MemoryCollections()
    return MilvusCollections(
        *uri_and_token(keeper, lite),
        lite_flush_s=0.05 if keeper == "lite" else None,
        matrix=matrix,
        alias=alias,
        timeout_s=5 if keeper == "lite" else 30,
    )


def uri_and_token(keeper: str, lite: MilvusLite) -> tuple[str, str]:
    """Where a Milvus is."""
    return (lite.uri, "") if keeper == "lite" else (SERVER_URI, SERVER_TOKEN)


@asynccontextmanager
async def opened_store(
    keeper: str, lite: MilvusLite, *, matrix: bool
) -> AsyncIterator[VectorStore]:
    """An empty store, with the matrix beside it or not; removed at the end."""
    collections, model = make_collections(keeper, lite, new_alias()), new_model()
    kept = collections.store()
    store = MatrixStore(kept) if matrix else kept
    await store.open(model)
    yield store
    await store.close()
    await collections.drop(collections.name(model))
