"""How near a server's vectors are to the plain way: full decode, fp32, transformers alone."""

import io
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from transformers import CLIPImageProcessorPil, CLIPModel

from bench.load import TIMEOUT_S, data_url_body
from facet.vision.v1 import embedding_pb2, embedding_pb2_grpc

Vectors = npt.NDArray[np.float32]
"""One unit vector a row."""


def reference(model_folder: Path, images: Sequence[bytes]) -> Vectors:
    """The vectors to compare with."""
    torch.set_num_threads(1)
    model: Any = CLIPModel.from_pretrained(model_folder, dtype=torch.float32)
    processor: Any = CLIPImageProcessorPil.from_pretrained(model_folder)
    return np.stack([_plain(model.eval(), processor, image) for image in images])


def _plain(model: Any, processor: Any, content: bytes) -> Vectors:
    pixels = processor(Image.open(io.BytesIO(content)).convert("RGB"), return_tensors="pt")
    with torch.inference_mode():
        features = model.get_image_features(**pixels).pooler_output[0]
        unit: Vectors = torch.nn.functional.normalize(features, dim=0).numpy()
    return unit


def of_mesh(target: str, images: Sequence[bytes], in_flight: int) -> Vectors:
    """The vectors of vision-models at `target`, which /api/search keeps to itself."""
    channel: Any
    with grpc.insecure_channel(target) as channel:
        stub: Any = embedding_pb2_grpc.EmbeddingServiceStub(channel)

        def ask(image: bytes) -> list[float]:
            request = embedding_pb2.EmbedImageRequest(image=image)
            return list(stub.EmbedImage(request, timeout=TIMEOUT_S).vector)

        return _gathered(ask, images, in_flight)


def of_peer(url: str, images: Sequence[bytes], in_flight: int) -> Vectors:
    """The vectors of a server that answers as OpenAI's embeddings."""
    with httpx.Client(base_url=url, timeout=TIMEOUT_S) as client:

        def ask(image: bytes) -> list[float]:
            answer = client.post("/embeddings", json=data_url_body(image)).raise_for_status()
            vector: list[float] = answer.json()["data"][0]["embedding"]
            return vector

        return _gathered(ask, images, in_flight)


def lowest_cosine(vectors: Vectors, expected: Vectors) -> float:
    """The cosine of the row that differs most; all rows are unit vectors."""
    return float((vectors * expected).sum(axis=1).min())


def _gathered(
    ask: Callable[[bytes], list[float]], images: Sequence[bytes], in_flight: int
) -> Vectors:
    with ThreadPoolExecutor(in_flight) as threads:
        return np.array(list(threads.map(ask, images)), np.float32)
