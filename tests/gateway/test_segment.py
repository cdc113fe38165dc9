import base64
import math
from typing import Any

import httpx
import numpy as np
import pytest

from facetkit.errors import InvalidInput, NotReady
from tests.gateway.running import KEY, Gateway, running_gateway
from tests.pictures import jpeg

PATH = "/api/segment"
IMAGE = base64.b64encode(jpeg(1)).decode()
POINT = {"x": 160, "y": 120}
BAD_POINT = "must have the numbers x and y, and may have excluded: true or false."
BAD_BOX = "must be four numbers: left, top, right, bottom."
NOTHING_MEANT = "must have a point that is not excluded, where there is no 'box'."


async def segment(gateway: Gateway, mask_format: str = "nested", **fields: Any) -> httpx.Response:
    body = {"image": IMAGE, **fields}
    return await gateway.http.post(PATH, json=body, params={"mask_format": mask_format})


async def test_what_a_point_means(gateway: Gateway) -> None:
    answer = await segment(gateway, points=[POINT])
    assert answer.status_code == 200
    found = answer.json()
    [mask] = found.pop("masks")
    assert np.shape(mask) == (192, 256)
    assert np.all(mask)
    assert found.pop("request_id") == answer.headers["X-Request-ID"]
    assert found == {
        "polygons": [[[0, 0], [320, 0], [320, 240], [0, 240]]],
        "holes": [[]],
        "segments": [
            {
                "area": 320 * 240,
                "box": [0, 0, 320, 240],
                "predicted_iou": 0.875,
                "stability": 0.75,
            }
        ],
        "mask_size": [192, 256],
        "width": 320,
        "height": 240,
        "encoding_reused": False,
        "model": "sam-vit-l",
        "model_set": "demo",
    }


async def test_everything_that_is_said_is_passed_on(gateway: Gateway) -> None:
    gateway.segmentation.encoding_reused = True
    points = [{"x": 1.5, "y": 2, "excluded": True}, {"x": 319, "y": 239, "excluded": False}]
    answer = await segment(gateway, points=points, box=[0, 1, 300.5, 200], several=True)
    assert (len(answer.json()["masks"]), answer.json()["encoding_reused"]) == (3, True)
    [request] = gateway.segmentation.requests
    assert request.image == jpeg(1)
    told = [(point.x, point.y, point.excluded) for point in request.points]
    assert told == [(1.5, 2, True), (319, 239, False)]
    box = request.box
    assert (box.left, box.top, box.right, box.bottom) == (0, 1, 300.5, 200)
    assert request.several


async def test_a_box_alone_is_enough(gateway: Gateway) -> None:
    answer = await segment(gateway, box=[0, 0, 10, 10])
    assert answer.status_code == 200
    [request] = gateway.segmentation.requests
    assert (len(request.points), request.several) == (0, False)


async def test_a_point_without_a_box_has_none(gateway: Gateway) -> None:
    await segment(gateway, points=[POINT])
    assert not gateway.segmentation.requests[0].HasField("box")


async def test_run_lengths_are_in_full_resolution(gateway: Gateway) -> None:
    answer = await segment(gateway, "rle", points=[POINT], several=True)
    half = 160 * 240
    assert answer.json()["masks"] == [
        {"size": [240, 320], "counts": [0, 2 * half]},
        {"size": [240, 320], "counts": [0, half, half]},
        {"size": [240, 320], "counts": [half, half]},
    ]


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({}, "points", NOTHING_MEANT),
        ({"points": []}, "points", NOTHING_MEANT),
        ({"points": [POINT | {"excluded": True}]}, "points", NOTHING_MEANT),
        ({"points": None}, "points", "must be a list."),
        ({"points": POINT}, "points", "must be a list."),
        ({"points": [POINT] * 65}, "points", "must have at most 64 points."),
        ({"points": [POINT, 5]}, "points[1]", BAD_POINT),
        ({"points": [POINT, [1, 2]]}, "points[1]", BAD_POINT),
        ({"points": [{"x": 1}]}, "points[0]", BAD_POINT),
        ({"points": [{"x": "1", "y": 2}]}, "points[0]", BAD_POINT),
        ({"points": [{"x": True, "y": 2}]}, "points[0]", BAD_POINT),
        ({"points": [{"x": 10**400, "y": 2}]}, "points[0]", BAD_POINT),
        ({"points": [{"x": 1e39, "y": 2}]}, "points[0]", BAD_POINT),
        ({"points": [POINT | {"excluded": 1}]}, "points[0]", BAD_POINT),
        ({"points": [POINT | {"excluded": None}]}, "points[0]", BAD_POINT),
        ({"box": None}, "box", BAD_BOX),
        ({"box": [1, 2, 3]}, "box", BAD_BOX),
        ({"box": [1, 2, 3, 4, 5]}, "box", BAD_BOX),
        ({"box": [1, 2, 3, 4, None]}, "box", BAD_BOX),
        ({"box": [1, 2, None, 4]}, "box", BAD_BOX),
        ({"box": [1, 2, "3", 4]}, "box", BAD_BOX),
        ({"box": [1, 2, 3, -(10**400)]}, "box", BAD_BOX),
        ({"box": {"left": 1}}, "box", BAD_BOX),
        ({"points": [POINT], "several": "true"}, "several", "must be true or false."),
        ({"points": [POINT], "several": None}, "several", "must be true or false."),
        ({"points": [POINT], "image": ""}, "image", "is required and must be a string."),
    ],
)
async def test_bad_fields_are_named(
    gateway: Gateway, fields: dict[str, Any], field: str, reason: str
) -> None:
    answer = await segment(gateway, **fields)
    assert answer.status_code == 400
    assert answer.json()["fields"][field] == reason
    assert not gateway.segmentation.requests


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
async def test_numbers_that_are_none(gateway: Gateway, number: float) -> None:
    body = str({"image": IMAGE, "points": [{"x": number, "y": 1}]}).replace("'", '"')
    body = body.replace("nan", "NaN").replace("inf", "Infinity")
    answer = await gateway.http.post(
        PATH, content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 400
    assert answer.json()["fields"]["points[0]"] == BAD_POINT


async def test_only_what_is_wrong_is_named(gateway: Gateway) -> None:
    answer = await segment(gateway, points=[POINT, {}, POINT, 5], several=0)
    assert answer.json()["fields"].keys() == {"points[1]", "points[3]", "several"}


async def test_points_outside_the_picture_are_named(gateway: Gateway) -> None:
    answer = await segment(gateway, points=[POINT, {"x": 320, "y": 0}])
    assert answer.status_code == 400
    assert answer.json()["fields"].keys() == {"points[1]"}


async def test_what_is_wrong_with_the_box_is_told(gateway: Gateway) -> None:
    reason = "must have an area"
    gateway.segmentation.fails_with = InvalidInput(f"'box' {reason}", fields={"box": reason})
    answer = await segment(gateway, box=[9, 9, 1, 1])
    assert (answer.status_code, answer.json()["fields"]) == (400, {"box": reason})


async def test_unknown_mask_formats(gateway: Gateway) -> None:
    answer = await segment(gateway, "png", points=[POINT])
    assert answer.status_code == 400
    assert answer.json()["error"] == "'mask_format' must be nested or rle"


async def test_a_model_that_is_not_there_is_told(gateway: Gateway) -> None:
    gateway.segmentation.fails_with = NotReady("sam-vit-l is not ready: loading", retry_after_s=7)
    answer = await segment(gateway, points=[POINT])
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    assert "fields" not in answer.json()


async def test_prompts_have_the_deadline_of_analyses() -> None:
    async with running_gateway(deadline_s=5, analyze_deadline_s=200) as gateway:
        await segment(gateway, points=[POINT])
    [left] = gateway.segmentation.time_remaining
    assert 150 < left <= 200


async def test_the_key_is_asked_for() -> None:
    async with running_gateway(api_key=KEY) as gateway:
        answer = await segment(gateway, points=[POINT])
    assert answer.status_code == 401
