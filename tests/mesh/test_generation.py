"""Pictures from words and pictures taken apart, through the whole mesh."""

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from typing import Any
from uuid import UUID

import httpx
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from tests.mesh.running_mesh import ROOT, RunningMesh

RING = (ROOT / "examples" / "gold-ring-red-stones.jpg").read_bytes()
ENCODED = base64.b64encode(RING).decode()
SMALL = {"height": 128, "width": 128, "samples": 8}
SAME = 1
"""How far a sample of 0 to 255 may be from what it is alone."""


@pytest.fixture
def http(mesh: RunningMesh) -> Iterator[httpx.Client]:
    """A client of the gateway that waits for pictures."""
    with httpx.Client(base_url=mesh.url, timeout=120) as client:
        yield client


def asked(http: httpx.Client, route: str, **body: object) -> dict[str, Any]:
    answer = http.post(route, json=body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def png(encoded: str) -> PngImageFile:
    image = Image.open(BytesIO(base64.b64decode(encoded)))
    assert isinstance(image, PngImageFile)
    image.load()
    return image


def distance(one: str, other: str) -> int:
    first, second = (np.asarray(png(each)).astype(int) for each in (one, other))
    return int(np.abs(first - second).max())


def test_the_seeds_example(http: httpx.Client) -> None:
    request = {
        "prompt": "A futuristic cityscape at sunset",
        "labels": "city, sunset, futuristic",
        "samples": 50,
        "cfg": 8.0,
        "height": 512,
        "width": 768,
    }
    made = asked(http, "/generate", **request)
    UUID(made["request_id"])
    image = png(made["generated_image"])
    assert image.size == (768, 512)
    assert image.text["prompt"] == request["prompt"]
    assert image.text["seed"] == str(made["seed"])
    assert image.text["model_set"] == made["model_set"]
    scores = made["clip_analysis"]["confidence_scores"]
    assert sorted(scores) == ["city", "futuristic", "sunset"]
    assert made["clip_analysis"]["concepts"] == sorted(scores, key=lambda each: -scores[each])
    assert all(0 <= score <= 1 for score in scores.values())
    assert (made["native_width"], made["native_height"]) == (128, 88)


def test_a_seed_draws_its_picture_again_with_everything_else_defaulted(http: httpx.Client) -> None:
    first = asked(http, "/generate", prompt="a gold ring")
    assert (first["samples"], first["cfg"], first["height"], first["width"]) == (30, 7.5, 512, 512)
    assert len(first["clip_analysis"]["concepts"]) == 10
    again = asked(http, "/generate", prompt="a gold ring", seed=first["seed"])
    assert again["generated_image"] == first["generated_image"]
    other = asked(http, "/generate", prompt="a gold ring", seed=first["seed"] ^ 1)
    assert distance(other["generated_image"], first["generated_image"]) > SAME


def test_a_picture_to_start_from(http: httpx.Client) -> None:
    start = {"init_image": f"data:image/jpeg;base64,{ENCODED}", "strength": 0.5, "seed": 1}
    made = asked(http, "/generate", prompt="a ring", count=2, **start, **SMALL)
    assert [image["seed"] for image in made["images"]] == [1, 2]
    assert made["images"][0]["image"] == made["generated_image"]
    assert png(made["generated_image"]).text["strength"] == "0.5"


def test_however_weak_a_start_there_is_a_picture(http: httpx.Client) -> None:
    for scheduler in ("pndm", "ddim", "euler_a"):
        weak = {"init_image": ENCODED, "strength": 0.05, "scheduler": scheduler, "samples": 10}
        made = asked(http, "/generate", prompt="a ring", **SMALL | weak)
        assert made["strength"] == 0.05


def test_a_prompt_that_is_longer_than_the_model_reads_is_told(http: httpx.Client) -> None:
    long = asked(http, "/generate", prompt="gold ring " * 60 + "cat", **SMALL)
    short = asked(http, "/generate", prompt="gold ring cat", **SMALL)
    assert (long["prompt_cut"], short["prompt_cut"]) == (True, False)


def test_of_a_tiny_picture_no_part_comes_twice(http: httpx.Client) -> None:
    for size in ((1, 1), (16, 16), (1, 300)):
        buffer = BytesIO()
        Image.radial_gradient("L").resize(size).save(buffer, "PNG")
        encoded = base64.b64encode(buffer.getvalue()).decode()
        made = asked(http, "/analyze?mask_format=rle", image=encoded)
        masks = [tuple(mask["counts"]) for mask in made["basic_segmentation"]["masks"]]
        assert len(set(masks)) == len(masks)
        assert 1 <= len(masks)


def test_eight_clients_with_other_steps_and_seeds_get_their_own_pictures(
    http: httpx.Client,
) -> None:
    wanted = [
        {"prompt": f"a ring of {seed} stones", "seed": seed, **SMALL, "samples": 4 + 3 * (seed % 3)}
        for seed in range(8)
    ]
    alone = [asked(http, "/generate", **each)["generated_image"] for each in wanted]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda each: asked(http, "/generate", **each), wanted))
    for made, single in zip(together, alone, strict=True):
        assert distance(made["generated_image"], single) <= SAME


@contextmanager
def events(http: httpx.Client, **body: object) -> Iterator[Iterator[tuple[str, Any]]]:
    """The names and data of the events of one picture."""

    def parsed(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
        name = ""
        for line in lines:
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            if field == "data":
                yield name, json.loads(value)

    with http.stream("POST", "/generate?stream=true", json=body) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        yield parsed(answer.iter_lines())


def test_the_way_to_a_picture_as_events(http: httpx.Client) -> None:
    with events(http, prompt="a ring", seed=3, **SMALL) as told:
        happened = list(told)
    names = [name for name, _ in happened]
    assert names == ["queued", *["progress"] * 8, "done"]
    steps = [data for name, data in happened if name == "progress"]
    assert [data["step"] for data in steps] == list(range(1, 9))
    assert any(png(data["preview"]).size == (16, 16) for data in steps if "preview" in data)
    plain = asked(http, "/generate", prompt="a ring", seed=3, **SMALL)
    assert happened[-1][1]["generated_image"] == plain["generated_image"]


def test_whoever_closes_the_connection_stops_the_work(
    http: httpx.Client, mesh: RunningMesh
) -> None:
    def batches() -> float:
        return mesh.metrics("vision")['vision_inference_seconds_count{family="generation"}']

    def seconds() -> float:
        return mesh.metrics("vision")['vision_inference_seconds_sum{family="generation"}']

    before = seconds()
    asked(http, "/generate", prompt="a ring", **SMALL | {"samples": 150})
    whole = seconds() - before
    counted, before = batches(), seconds()
    with events(http, prompt="a ring", **SMALL | {"samples": 150}) as told:
        for name, data in told:
            if name == "progress" and data["step"] == 5:
                break
    asked(http, "/generate", prompt="a ring", **SMALL | {"samples": 1})
    assert batches() == counted + 2
    assert seconds() - before < whole / 2


def test_analysis_in_the_form_of_the_seed(http: httpx.Client) -> None:
    made = asked(http, "/analyze", image=ENCODED)
    UUID(made["request_id"])
    assert len(made["clip_analysis"]["concepts"]) == 10
    parts = made["basic_segmentation"]
    height, width = made["mask_size"]
    assert max(height, width) <= 256
    assert parts["masks"]
    assert len(parts["masks"]) == len(parts["polygons"])
    for mask in parts["masks"]:
        assert (len(mask), len(mask[0])) == (height, width)
        assert {sample for row in mask for sample in row} <= {0, 1}
    for polygon in parts["polygons"]:
        assert all(0 <= x <= 640 and 0 <= y <= 640 for x, y in polygon)
    assert png(made["generated_image"]).size == (640, 640)


def test_masks_as_run_lengths_in_full_resolution(http: httpx.Client) -> None:
    made = asked(http, "/analyze?mask_format=rle", image=ENCODED)
    for mask, segment in zip(
        made["basic_segmentation"]["masks"], made["basic_segmentation"]["segments"], strict=True
    ):
        assert mask["size"] == [640, 640]
        assert sum(mask["counts"]) == 640 * 640
        assert sum(mask["counts"][1::2]) == segment["area"]


def test_what_a_point_means_and_again_for_less(http: httpx.Client) -> None:
    first = asked(http, "/api/segment", image=ENCODED, points=[{"x": 320, "y": 300}])
    again = asked(http, "/api/segment", image=ENCODED, points=[{"x": 100, "y": 90}])
    assert again["encoding_reused"]
    assert len(first["masks"]) == len(again["masks"]) == 1
    boxed = asked(http, "/api/segment", image=ENCODED, box=[100, 100, 500, 500], several=True)
    assert len(boxed["masks"]) == 3


def test_labelled_boxes(http: httpx.Client) -> None:
    made = asked(
        http, "/api/detect", image=ENCODED, labels="ring, key, background", min_confidence=0.0
    )
    assert made["detections"]
    for found in made["detections"]:
        assert found["label"] in ("ring", "key", "background")
        left, top, right, bottom = found["box"]
        assert 0 <= left < right <= 640
        assert 0 <= top < bottom <= 640
        assert 0 <= found["confidence"] <= 1
