import asyncio
import base64
import io
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from facet.vision.v1 import embedding_pb2
from facetkit.errors import NotReady, Unprocessable
from gateway.vision.client import Classification, LabelScore
from gateway.vision.detection import detected
from gateway.vision.segmentation_domain import Mask, Segmentation
from tests.gateway.running import KEY, Gateway, running_gateway
from tests.pictures import jpeg

PATH = "/api/detect"
IMAGE = base64.b64encode(jpeg(1)).decode()
COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (40, 50, 210)}
BOXES = {"red": (20, 20, 120, 100), "green": (160, 40, 300, 200), "blue": (30, 140, 110, 220)}


def painted() -> str:
    """Three boxes on white, as PNG in base64."""
    picture = Image.new("RGB", (320, 240), "white")
    for name, box in BOXES.items():
        picture.paste(COLOURS[name], box)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


async def detect(gateway: Gateway, **fields: Any) -> httpx.Response:
    return await gateway.http.post(PATH, json={"image": IMAGE, **fields})


def part(width: int) -> Mask:
    """A mask of width × 1 pixels at the upper left."""
    return Mask([], width, (0, 0, width, 1), 0.9, 0.9, [], [])


def seen(request: embedding_pb2.ClassifyImageRequest) -> Image.Image:
    return Image.open(io.BytesIO(request.image)).convert("RGB")


async def test_parts_have_names_best_first(gateway: Gateway) -> None:
    gateway.segmentation.parts = [(0, 0, 200, 200), (210, 10, 310, 90)]
    gateway.embedding.scores = {"ring": 0.75, "chain": 0.25}
    answer = await detect(gateway, labels="chain, ring")
    assert answer.status_code == 200
    found = answer.json()
    assert found.pop("request_id") == answer.headers["X-Request-ID"]
    detections = found.pop("detections")
    assert found == {
        "width": 320,
        "height": 240,
        "models": {"segmentation": "sam-vit-l", "analysis": "clip-ViT-B-32"},
        "model_set": "demo",
    }
    assert detections[1] == {
        "label": "ring",
        "confidence": 0.75,
        "box": [210, 10, 310, 90],
        "area": 8000,
        "predicted_iou": 0.875,
        "stability": 0.75,
    }
    [segmented] = gateway.segmentation.requests
    assert (segmented.image, segmented.max_masks) == (jpeg(1), 32)
    assert {(tuple(request.labels), request.top) for request in gateway.embedding.requests} == {
        (("chain", "ring"), 1)
    }


async def test_without_labels_the_common_objects_are_judged(gateway: Gateway) -> None:
    gateway.segmentation.parts = [(0, 0, 200, 200)]
    gateway.embedding.scores = {"object 5": 0.875}
    [detection] = (await detect(gateway)).json()["detections"]
    assert (detection["label"], detection["confidence"]) == ("object 5", 0.875)


async def test_each_part_is_cut_out_with_a_little_around_it(gateway: Gateway) -> None:
    gateway.segmentation.parts = list(BOXES.values())
    await detect(gateway, image=painted(), labels="ring")
    cuts = [seen(request) for request in gateway.embedding.requests]
    sizes = {cut.size: cut for cut in cuts}
    assert sizes.keys() == {(120, 96), (168, 192), (96, 96)}
    for name, size in zip(BOXES, [(120, 96), (168, 192), (96, 96)], strict=True):
        pixels = np.asarray(sizes[size], int)
        assert np.abs(pixels[size[1] // 2, size[0] // 2] - COLOURS[name]).max() < 20
        assert pixels[2, 2].min() > 230


async def test_parts_at_the_border_and_specks_are_cut_out_too(gateway: Gateway) -> None:
    gateway.segmentation.parts = [(0, 0, 320, 240), (0, 0, 1, 1), (319, 239, 320, 240)]
    answer = await detect(gateway, labels="ring", limit=10)
    assert len(answer.json()["detections"]) == 3
    sizes = [seen(request).size for request in gateway.embedding.requests]
    assert (320, 240) in sizes
    assert all(min(size) >= 1 for size in sizes)


async def test_parts_of_a_large_picture_are_cut_from_a_reduced_one(gateway: Gateway) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (4096, 2048), "white").save(buffer, "JPEG")
    gateway.segmentation.parts = [(1000, 500, 2000, 1500)]
    image = base64.b64encode(buffer.getvalue()).decode()
    found = (await detect(gateway, image=image, labels="ring")).json()
    assert seen(gateway.embedding.requests[0]).size == (300, 300)
    assert found["detections"][0]["box"] == [1000, 500, 2000, 1500]


async def test_unlikely_parts_are_left_out(gateway: Gateway) -> None:
    gateway.segmentation.parts = [(0, 0, 200, 200)]
    gateway.embedding.scores = {"ring": 0.25}
    assert (await detect(gateway, labels="ring")).json()["detections"] == []
    found = (await detect(gateway, labels="ring", min_confidence=0.25)).json()["detections"]
    assert [detection["label"] for detection in found] == ["ring"]
    assert len((await detect(gateway, labels="ring", min_confidence=0)).json()["detections"]) == 1
    assert (await detect(gateway, labels="ring", min_confidence=1)).json()["detections"] == []


@pytest.mark.parametrize(("right", "count"), [(140, 1), (143, 2)])
async def test_nearly_the_same_box_with_the_same_label_is_one_detection(
    gateway: Gateway, right: int, count: int
) -> None:
    gateway.segmentation.parts = [(0, 0, right, 100), (0, 0, 100, 100)]
    found = (await detect(gateway, labels="ring")).json()["detections"]
    assert len(found) == count


async def test_other_labels_and_other_places_stay(gateway: Gateway) -> None:
    gateway.segmentation.parts = [(0, 0, 100, 100), (200, 100, 300, 200)]
    found = (await detect(gateway, labels="ring")).json()["detections"]
    assert len(found) == 2


def test_of_the_same_detections_the_best_is_kept() -> None:
    masks = [part(101), part(100), part(99), part(98)]
    labels = [("ring", 0.625), ("ring", 0.5), ("ring", 0.75), ("chain", 0.7)]
    names = [Classification([LabelScore(*label)], "clip", "demo") for label in labels]
    found = detected(Segmentation(masks, 320, 240, "sam", "demo"), names, 0.5)
    kept = [(one.score.label, one.score.confidence, one.mask.area) for one in found]
    assert kept == [("ring", 0.75, 99), ("chain", 0.7, 98)]


async def test_a_picture_without_any_part(gateway: Gateway) -> None:
    found = (await detect(gateway, labels="ring")).json()
    assert found["detections"] == []
    assert found["models"] == {"segmentation": "sam-vit-l", "analysis": None}
    assert not gateway.embedding.requests


@pytest.mark.parametrize(("limit", "count"), [(1, 1), (3, 3), (100, 32)])
async def test_only_so_many_are_answered(gateway: Gateway, limit: int, count: int) -> None:
    gateway.segmentation.parts = [(9 * n, 0, 9 * n + 8, 9) for n in range(35)]
    found = (await detect(gateway, labels="ring", limit=limit)).json()["detections"]
    assert len(found) == count
    assert len(gateway.embedding.requests) == 32


async def test_at_most_eight_parts_are_judged_at_once(gateway: Gateway) -> None:
    gateway.segmentation.parts = [(9 * n, 0, 9 * n + 8, 9) for n in range(32)]
    gateway.embedding.stuck = True
    asked = asyncio.create_task(detect(gateway, labels="ring"))
    while len(gateway.embedding.requests) < 8:
        await asyncio.sleep(0)
    for _ in range(100):
        await asyncio.sleep(0)
    assert len(gateway.embedding.requests) == 8
    asked.cancel()
    await asyncio.wait({asked})
    await gateway.embedding.cancelled.wait()


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        *[
            ({"min_confidence": value}, "min_confidence", "must be a number from 0 to 1.")
            for value in (-0.1, 1.1, "0.5", None, True, 10**400)
        ],
        *[
            ({"limit": value}, "limit", "must be a whole number from 1 to 100.")
            for value in (0, 101, 1.5, "5", None, True)
        ],
        ({"labels": 5}, "labels", "must be a string."),
        ({"image": 5}, "image", "is required and must be a string."),
    ],
)
async def test_bad_fields_are_named(
    gateway: Gateway, fields: dict[str, Any], field: str, reason: str
) -> None:
    answer = await detect(gateway, **fields)
    assert answer.status_code == 400
    assert answer.json()["fields"] == {field: reason}
    assert not gateway.segmentation.requests


async def test_an_error_of_either_family_fails_the_request(gateway: Gateway) -> None:
    gateway.segmentation.parts = [(0, 0, 200, 200)] * 20
    gateway.embedding.fails_with = NotReady("loading")
    assert (await detect(gateway)).status_code == 503
    gateway.segmentation.fails_with = Unprocessable("the image is damaged")
    answer = await detect(gateway)
    assert answer.status_code == 422
    assert answer.json()["fields"] == {"image": "the image is damaged"}


async def test_detections_have_the_deadline_of_analyses() -> None:
    async with running_gateway(deadline_s=5, analyze_deadline_s=200) as gateway:
        await detect(gateway)
    [left] = gateway.segmentation.time_remaining
    assert 150 < left <= 200


async def test_the_key_is_asked_for() -> None:
    async with running_gateway(api_key=KEY) as gateway:
        answer = await detect(gateway)
    assert answer.status_code == 401
