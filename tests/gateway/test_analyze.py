import asyncio
import base64
import io
import json
import uuid
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from facet.vision.v1 import segmentation_pb2
from facetkit.errors import Deadline, FacetError, NotReady, Overloaded, TooLarge, Unprocessable
from gateway.vision.analysis_threads import MAX_ANALYSES
from tests.gateway.fake_segmentation import box_mask, mask_message, run_lengths
from tests.gateway.running import KEY, Gateway, running_gateway, served
from tests.pictures import jpeg, png

PATH = "/analyze"
WHOLE, PART = (0, 0, 320, 240), (100, 60, 200, 180)


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


IMAGE = encoded(jpeg(1))


async def analyze(gateway: Gateway, body: Any = None, **params: str) -> httpx.Response:
    gateway.segmentation.parts = gateway.segmentation.parts or [WHOLE, PART]
    return await gateway.http.post(PATH, json=body or {"image": IMAGE}, params=params)


async def test_the_answer_has_the_seeds_form(gateway: Gateway) -> None:
    answer = await analyze(gateway)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    found = answer.json()
    assert list(found) == [
        *("request_id", "generated_image", "clip_analysis", "top_concepts", "basic_segmentation"),
        *("mask_size", "width", "height", "models", "model_set"),
    ]
    assert found["basic_segmentation"].keys() == {"masks", "polygons", "holes", "segments"}
    assert (found["width"], found["height"], found["mask_size"]) == (320, 240, [192, 256])
    assert found["models"] == {"segmentation": "sam-vit-l", "analysis": "clip-ViT-B-32"}
    assert found["model_set"] == "demo"


async def test_masks_and_what_belongs_to_them(gateway: Gateway) -> None:
    segmentation = (await analyze(gateway)).json()["basic_segmentation"]
    whole, part = np.array(segmentation["masks"])
    assert whole.shape == (192, 256)
    assert whole.all()
    left, top, right, bottom = PART
    expected = np.zeros((192, 256), int)
    expected[top * 4 // 5 : bottom * 4 // 5, left * 4 // 5 : right * 4 // 5] = 1
    np.testing.assert_array_equal(part, expected)
    assert segmentation["polygons"][1] == [[100, 60], [200, 60], [200, 180], [100, 180]]
    assert segmentation["holes"] == [[], []]
    assert segmentation["segments"][1] == {
        "area": 100 * 120,
        "box": [100, 60, 200, 180],
        "predicted_iou": 0.875,
        "stability": 0.75,
    }


async def test_a_small_picture_has_masks_of_its_own_size(gateway: Gateway) -> None:
    gateway.segmentation.parts = [(3, 4, 20, 30)]
    found = (await analyze(gateway, {"image": encoded(png(1))})).json()
    assert found["mask_size"] == [48, 64]
    [mask] = found["basic_segmentation"]["masks"]
    np.testing.assert_array_equal(mask, box_mask((3, 4, 20, 30), 64, 48).astype(int))


async def test_run_lengths_are_in_full_resolution(gateway: Gateway) -> None:
    found = (await analyze(gateway, mask_format="rle")).json()
    masks = found["basic_segmentation"]["masks"]
    counts = [run_lengths(box_mask(box, 320, 240)) for box in (WHOLE, PART)]
    assert masks == [{"size": [240, 320], "counts": one} for one in counts]


async def test_the_masks_are_drawn_over_the_analysed_picture(gateway: Gateway) -> None:
    gateway.segmentation.parts = [PART]
    grey = Image.new("RGB", (320, 240), (128, 128, 128))
    buffer = io.BytesIO()
    grey.save(buffer, "PNG")
    found = (await analyze(gateway, {"image": encoded(buffer.getvalue())})).json()
    with Image.open(io.BytesIO(base64.b64decode(found["generated_image"]))) as drawn:
        assert (drawn.format, drawn.size) == ("PNG", (320, 240))
        touched = (np.asarray(drawn) != 128).any(axis=2)
    np.testing.assert_array_equal(touched, box_mask(PART, 320, 240))


async def test_without_labels_the_ten_best_of_the_common_objects(gateway: Gateway) -> None:
    gateway.embedding.scores = {"object 7": 0.75, "object 3": 0.625}
    found = (await analyze(gateway)).json()
    concepts = found["clip_analysis"]["concepts"]
    assert (len(concepts), concepts[:2]) == (10, ["object 7", "object 3"])
    assert found["top_concepts"] == concepts
    scores = found["clip_analysis"]["confidence_scores"]
    assert list(scores) == concepts
    assert (scores["object 7"], scores["object 3"]) == (0.75, 0.625)


async def test_with_labels_all_of_them_best_first(gateway: Gateway) -> None:
    labels = [f"label {number}" for number in range(12)]
    gateway.embedding.scores = {label: n / 16 for n, label in enumerate(labels)}
    body = {"image": IMAGE, "labels": ", ".join([*labels, labels[0], " "])}
    found = (await analyze(gateway, body)).json()
    assert found["clip_analysis"]["concepts"] == labels[::-1]
    assert found["clip_analysis"]["confidence_scores"] == gateway.embedding.scores
    assert found["top_concepts"] == labels[:1:-1]
    [request] = gateway.embedding.requests
    assert (list(request.labels), request.top) == (labels, 0)


async def test_both_models_see_the_picture_that_was_sent(gateway: Gateway) -> None:
    await analyze(gateway, {"image": f"data:image/jpeg;base64,{IMAGE}"})
    [segmented], [classified] = gateway.segmentation.requests, gateway.embedding.requests
    assert segmented.image == classified.image == jpeg(1)


async def test_a_picture_without_any_mask(gateway: Gateway) -> None:
    gateway.segmentation.parts = []
    answer = await gateway.http.post(PATH, json={"image": IMAGE})
    assert answer.json()["basic_segmentation"] == {
        "masks": [],
        "polygons": [],
        "holes": [],
        "segments": [],
    }


async def test_holes_are_rings_of_their_mask(gateway: Gateway) -> None:
    hole = [10.5, 10, 20, 10, 20, 20.25]
    gateway.segmentation.messages = [
        mask_message(box_mask(WHOLE, 320, 240), holes=[hole, hole]),
        segmentation_pb2.Mask(counts=[320 * 240]),
    ]
    segmentation = (await analyze(gateway)).json()["basic_segmentation"]
    ring = [[10.5, 10], [20, 10], [20, 20.25]]
    assert segmentation["holes"] == [[ring, ring], []]
    assert segmentation["polygons"][1] == []
    assert not np.any(segmentation["masks"][1])


async def test_the_answers_id_is_the_requests_own_where_it_is_a_uuid(gateway: Gateway) -> None:
    own = str(uuid.uuid4())
    for given, kept in ((own, True), ("abc", False)):
        answer = await gateway.http.post(
            PATH, json={"image": IMAGE}, headers={"X-Request-ID": given}
        )
        found = answer.json()["request_id"]
        assert (str(uuid.UUID(found)) == found, found == given) == (True, kept)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"image": "is required and must be a string."}),
        ({"image": None}, {"image": "is required and must be a string."}),
        ({"image": 5}, {"image": "is required and must be a string."}),
        ({"image": "%%%"}, {"image": "is not valid base64."}),
        ({"image": IMAGE, "labels": 5}, {"labels": "must be a string."}),
        (
            {"labels": ["ring"]},
            {"labels": "must be a string.", "image": "is required and must be a string."},
        ),
    ],
)
async def test_bad_fields_are_named(gateway: Gateway, body: Any, fields: dict[str, str]) -> None:
    answer = await gateway.http.post(PATH, json=body)
    first, reason = next(iter(fields.items()))
    assert answer.status_code == 400
    assert answer.json()["fields"] == fields
    assert answer.json()["error"] == f"'{first}' {reason}"
    assert not gateway.segmentation.requests
    assert not gateway.embedding.requests


async def test_what_is_no_image_is_refused(gateway: Gateway) -> None:
    answer = await gateway.http.post(PATH, json={"image": encoded(b"hello")})
    assert (answer.status_code, list(answer.json()["fields"])) == (415, ["image"])
    assert not gateway.segmentation.requests


@pytest.mark.parametrize("form", ["coco", "", "RLE"])
async def test_unknown_mask_formats(gateway: Gateway, form: str) -> None:
    answer = await analyze(gateway, mask_format=form)
    assert answer.status_code == 400
    assert answer.json()["error"] == "'mask_format' must be nested or rle"
    assert answer.json()["fields"] == {"mask_format": "must be nested or rle"}


async def test_an_image_over_the_limit_is_refused_undecoded() -> None:
    async with running_gateway(max_upload_bytes=5000) as gateway:
        answer = await gateway.http.post(PATH, json={"image": "A" * 8000})
    assert answer.status_code == 413
    assert list(answer.json()["fields"]) == ["image"]


async def test_the_largest_image_may_come_in_base64(gateway: Gateway) -> None:
    gateway.segmentation.parts = [PART]
    large = jpeg(1) + bytes(24 * 2**20 - len(jpeg(1)))
    answer = await gateway.http.post(PATH, json={"image": encoded(large)})
    refused = await gateway.http.post(PATH, json={"image": encoded(large + b"\0")})
    assert (answer.status_code, refused.status_code) == (200, 413)


@pytest.mark.parametrize("family", ["segmentation", "embedding"])
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Unprocessable("the image is damaged"), 422),
        (TooLarge("the image has more than 67.1 megapixels"), 413),
        (Overloaded("the queue is full", retry_after_s=3), 429),
        (NotReady("sam-vit-l is not ready: loading"), 503),
        (Deadline("the deadline of the request has passed"), 504),
    ],
)
async def test_an_error_of_either_family_fails_the_request(
    gateway: Gateway, family: str, error: FacetError, status: int
) -> None:
    getattr(gateway, family).fails_with = error
    answer = await analyze(gateway)
    assert (answer.status_code, answer.json()["error"]) == (status, error.message)
    about_image = {"image": error.message} if status in {413, 422} else None
    assert answer.json().get("fields") == about_image


async def test_both_families_are_asked_at_the_same_time(gateway: Gateway) -> None:
    gateway.segmentation.stuck = gateway.embedding.stuck = True
    async with served(gateway.app) as port, httpx.AsyncClient() as http:
        url = f"http://127.0.0.1:{port}{PATH}"
        asked = asyncio.create_task(http.post(url, json={"image": IMAGE}))
        await gateway.segmentation.entered.wait()
        await gateway.embedding.entered.wait()
        asked.cancel()
        await asyncio.wait({asked})
        await gateway.segmentation.cancelled.wait()
        await gateway.embedding.cancelled.wait()


async def test_analyses_may_take_longer_than_other_calls() -> None:
    async with running_gateway(deadline_s=5, analyze_deadline_s=200) as gateway:
        await analyze(gateway)
    [left] = gateway.segmentation.time_remaining
    assert 150 < left <= 200


async def test_too_many_at_once_are_refused_and_places_come_back(gateway: Gateway) -> None:
    gateway.segmentation.stuck = True
    asked = [asyncio.create_task(analyze(gateway)) for _ in range(MAX_ANALYSES)]
    while len(gateway.segmentation.requests) < MAX_ANALYSES:
        await asyncio.sleep(0)
    refused = await analyze(gateway)
    assert (refused.status_code, refused.json()["code"]) == (429, "overloaded")
    assert "Retry-After" in refused.headers
    for task in asked:
        task.cancel()
    await asyncio.wait(asked)
    gateway.segmentation.stuck = False
    assert (await analyze(gateway)).status_code == 200


async def test_the_key_is_asked_for() -> None:
    async with running_gateway(api_key=KEY) as gateway:
        without = await analyze(gateway)
        with_key = await gateway.http.post(PATH, json={"image": IMAGE}, headers={"X-API-Key": KEY})
    assert (without.status_code, with_key.status_code) == (401, 200)


@pytest.mark.parametrize("path", [PATH, "/api/segment", "/api/detect"])
async def test_examples_can_be_sent_as_they_are(gateway: Gateway, path: str) -> None:
    operation = (await gateway.http.get("/openapi.json")).json()["paths"][path]["post"]
    media = operation["requestBody"]["content"]["application/json"]
    answer = await gateway.http.post(path, json=media["example"])
    assert answer.status_code == 200
    assert media["example"].keys() <= media["schema"]["properties"].keys()
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema["$ref"].startswith("#/components/schemas/")


async def test_the_docs_tell_what_is_drawn_and_what_confidence_is(gateway: Gateway) -> None:
    operation = (await gateway.http.get("/openapi.json")).json()["paths"][PATH]["post"]
    told = json.dumps(operation)
    assert "no diffusion runs" in told
    assert "softmax" in told
