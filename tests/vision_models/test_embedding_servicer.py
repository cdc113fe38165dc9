from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from facet.vision.v1 import embedding_pb2, embedding_pb2_grpc
from facetkit.client import RpcClient
from facetkit.errors import InvalidInput
from facetkit.images import ImageLimits
from facetkit.testing import Service, serving
from tests.pictures import png
from tests.vision_models.fakes import FakeEmbedder
from vision_models.admission import Admission
from vision_models.batcher import Batcher
from vision_models.domain import Embedder
from vision_models.embedding_family import prepare
from vision_models.embedding_service import EmbeddingService
from vision_models.embedding_servicer import SERVICE_NAME, EmbeddingServicer
from vision_models.kept_model import KeptModel
from vision_models.label_vectors import LabelVectors

COMMON = ("ring", "dog", "cat", "house")


async def zero_shot() -> FakeEmbedder:
    return FakeEmbedder()


@pytest.fixture
async def client() -> AsyncIterator[RpcClient]:
    batcher, admission = Batcher(max_batch=8, hang_s=60), Admission(8)
    kept: KeptModel[Embedder] = KeptModel("embedding")
    kept.put(FakeEmbedder())
    service = EmbeddingService(
        embedder=kept,
        batcher=batcher,
        admission=admission,
        decoders=ThreadPoolExecutor(1),
        prepare=partial(prepare, limits=ImageLimits()),
        load_zero_shot=zero_shot,
        labels=LabelVectors(batcher=batcher, admission=admission, max_batch=8, cache_size=100),
        common_objects=COMMON,
        cache_size=100,
    )
    add = embedding_pb2_grpc.add_EmbeddingServiceServicer_to_server
    async with serving(Service(SERVICE_NAME, add, EmbeddingServicer(service))) as connected:
        yield connected
    await batcher.close()


async def classify(client: RpcClient, **fields: Any) -> list[embedding_pb2.LabelScore]:
    stub = embedding_pb2_grpc.EmbeddingServiceStub(client.channel)
    request = embedding_pb2.ClassifyImageRequest(image=png(1), **fields)
    answer: embedding_pb2.ClassifyImageResponse = await client.call(stub.ClassifyImage, request)
    return list(answer.scores)


async def test_labels_are_answered_in_their_order(client: RpcClient) -> None:
    scores = await classify(client, labels=["gold", "silver"])
    assert [score.label for score in scores] == ["gold", "silver"]


async def test_without_labels_the_common_objects_are_asked(client: RpcClient) -> None:
    scores = await classify(client)
    assert tuple(score.label for score in scores) == COMMON


async def test_top_crosses_the_wire(client: RpcClient) -> None:
    scores = await classify(client)
    best = max(scores, key=lambda score: score.confidence)
    assert await classify(client, top=1) == [best]


async def test_a_repeated_label_is_named_to_the_caller(client: RpcClient) -> None:
    with pytest.raises(InvalidInput) as refused:
        await classify(client, labels=["gold", "silver", "gold"])
    assert refused.value.fields == {"labels[2]": "must differ from labels[0]"}
