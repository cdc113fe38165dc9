"""Captions through the whole mesh."""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.mesh.running_mesh import ROOT, RunningMesh
from tests.pictures import jpeg, png

SINGLE, COLLECTIVE = "/api/caption-images", "/api/caption-collective-images"
MODELS = ("blip", "blip2", "gemma", "intern_vlm")
CHATS = ("gemma", "intern_vlm")
RING = (ROOT / "examples" / "gold-ring-red-stones.jpg").read_bytes()
KEY = (ROOT / "examples" / "gold-key.jpg").read_bytes()
HEIC_BEGIN = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
MIB = 2**20
CALLERS = 20
ORIENTATION, QUARTER_TURN = 0x0112, 6


def caption(
    http: httpx.Client, *images: bytes, route: str = SINGLE, **query: str
) -> httpx.Response:
    files = [("images", (f"{number}.jpg", image)) for number, image in enumerate(images)]
    return http.post(route, params=query, files=files)


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def damaged() -> bytes:
    return jpeg(1, 1600, 1200)[:30_000]


def assert_refused(answer: httpx.Response, status: int, *messages: str) -> None:
    """The shape of every error, with nothing of the inside in it."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) <= {"error", "code", "request_id", "fields"}
    assert body["request_id"] == answer.headers["X-Request-ID"]
    for message in messages:
        assert message in body["error"]
    assert "Traceback" not in answer.text
    assert "site-packages" not in answer.text


@pytest.mark.parametrize("model", MODELS)
def test_a_picture_in_words_and_again_from_the_cache(http: httpx.Client, model: str) -> None:
    answer = caption(http, RING, model=model)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert set(body) == {"results", "model", "model_set"}
    assert body["model_set"] in ("demo", "demo-random")
    [made] = body["results"]
    assert set(made) == {"filename", "caption", "tags", "flagged", "cache"}
    assert (made["filename"], made["flagged"], made["cache"]) == ("0.jpg", False, False)
    assert made["caption"]
    assert 1 <= len(set(made["tags"])) == len(made["tags"]) <= 10
    assert all(tag == tag.lower() for tag in made["tags"])
    assert caption(http, RING, model=model).json() == body | {"results": [made | {"cache": True}]}


def test_blip_is_the_default(http: httpx.Client) -> None:
    named = caption(http, RING, model="blip").json()
    assert caption(http, RING).json()["model"] == named["model"]


@pytest.mark.parametrize("model", MODELS)
def test_a_flag_prompt_is_judged(http: httpx.Client, model: str) -> None:
    plain = caption(http, RING, model=model).json()["results"][0]
    judged = caption(http, RING, model=model, flag_caption_prompt="is it gold?").json()
    [made] = judged["results"]
    assert made["caption"] == plain["caption"]
    assert made["cache"] is False
    assert made["flagged"] in (True, False)


@pytest.mark.parametrize("model", CHATS)
def test_several_pictures_in_one_caption(http: httpx.Client, model: str) -> None:
    body = caption(http, RING, KEY, route=COLLECTIVE, model=model).json()
    assert body["count"] == 2
    assert body["collective_caption"]
    assert body["cache"] is False
    assert set(body) >= {"collective_caption", "tags", "flagged", "model", "model_set"}
    again = caption(http, RING, KEY, route=COLLECTIVE, model=model).json()
    assert again == body | {"cache": True}
    turned = caption(http, KEY, RING, route=COLLECTIVE, model=model).json()
    assert turned["cache"] is False


@pytest.mark.parametrize("query", [{}, {"model": "blip"}, {"model": "blip2"}])
def test_who_cannot_see_several_names_those_who_can(
    http: httpx.Client, query: dict[str, str]
) -> None:
    answer = caption(http, RING, KEY, route=COLLECTIVE, **query)
    assert_refused(answer, 400, "'model'", *CHATS)
    assert "model" in answer.json()["fields"]


@pytest.mark.parametrize("route", [SINGLE, COLLECTIVE])
def test_an_unknown_model_is_refused(http: httpx.Client, route: str) -> None:
    answer = caption(http, RING, route=route, model="gpt")
    assert_refused(answer, 400, "'model'", *CHATS)
    assert "model" in answer.json()["fields"]


def test_bad_files_take_nothing_from_the_good_one(http: httpx.Client) -> None:
    alone = caption(http, KEY).json()["results"][0]
    answer = caption(http, damaged(), b"", b"just words", KEY)
    assert answer.status_code == 200, answer.text
    *bad, good = answer.json()["results"]
    assert good == alone | {"filename": "3.jpg", "cache": True}
    assert all(set(each) == {"filename", "error", "code"} for each in bad)
    assert [(each["filename"], each["code"]) for each in bad] == [
        ("0.jpg", "unprocessable"),
        ("1.jpg", "invalid_input"),
        ("2.jpg", "unsupported_media"),
    ]


def test_where_all_are_bad_so_is_the_answer(http: httpx.Client) -> None:
    answer = caption(http, damaged(), b"", b"just words")
    assert_refused(answer, 400, "no image can be captioned")
    assert list(answer.json()["fields"]) == ["images[0]", "images[1]", "images[2]"]
    assert_refused(caption(http, damaged()), 422, "damaged")


def test_one_bad_picture_spoils_a_collective_caption(http: httpx.Client) -> None:
    answer = caption(http, RING, damaged(), route=COLLECTIVE, model="gemma")
    assert_refused(answer, 422, "images[1]", "damaged")


@pytest.mark.parametrize(("route", "most"), [(SINGLE, 32), (COLLECTIVE, 16)])
def test_there_is_a_most_of_pictures(http: httpx.Client, route: str, most: int) -> None:
    pictures = [png(1)] * (most + 1)
    assert_refused(caption(http, *pictures, route=route, model="gemma"), 400, str(most))


def test_pictures_are_required(http: httpx.Client) -> None:
    assert_refused(http.post(SINGLE), 400, "'images' is required")


@pytest.mark.parametrize("field", ["caption_prompt", "flag_caption_prompt"])
@pytest.mark.parametrize("model", MODELS)
def test_prompts_have_a_longest(http: httpx.Client, model: str, field: str) -> None:
    answer = caption(http, RING, model=model, **{field: "x" * 2001})
    assert_refused(answer, 400, field, "2000")
    assert list(answer.json()["fields"]) == [field]


@pytest.mark.parametrize("route", [SINGLE, COLLECTIVE])
@pytest.mark.parametrize("field", ["caption_prompt", "flag_caption_prompt"])
@pytest.mark.parametrize(
    ("model", "token"), [("gemma", "<start_of_image>"), ("intern_vlm", "<IMG_CONTEXT>")]
)
def test_control_tokens_in_prompts_are_refused(
    http: httpx.Client, route: str, field: str, model: str, token: str
) -> None:
    answer = caption(http, RING, route=route, model=model, **{field: f"a {token} ring"})
    assert_refused(answer, 400, field, token)
    assert list(answer.json()["fields"]) == [field]


@pytest.mark.parametrize(
    ("make", "status", "message"),
    [
        (lambda: encoded(Image.new("RGB", (64, 64)), "GIF"), 415, "JPEG, PNG or WebP"),
        (lambda: HEIC_BEGIN + bytes(1000), 415, "JPEG, PNG or WebP"),
        (lambda: jpeg(1) + bytes(25 * MIB), 413, "24 MiB"),
    ],
    ids=["gif", "heic", "25 MiB"],
)
@pytest.mark.parametrize("route", [SINGLE, COLLECTIVE])
def test_files_that_are_not_taken(
    http: httpx.Client, route: str, make: Callable[[], bytes], status: int, message: str
) -> None:
    assert_refused(caption(http, make(), route=route, model="gemma"), status, message)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    "image",
    [Image.new("RGBA", (80, 60), (200, 20, 20, 40)), Image.new("RGB", (1, 1))],
    ids=["alpha", "1x1"],
)
def test_unusual_pictures_are_captioned(http: httpx.Client, model: str, image: Image.Image) -> None:
    answer = caption(http, encoded(image, "PNG"), model=model)
    assert answer.status_code == 200, answer.text
    assert answer.json()["results"][0]["caption"]


def test_a_turned_picture_is_looked_at_upright(http: httpx.Client) -> None:
    blocks = np.random.default_rng(1).integers(0, 255, (12, 16, 3), dtype=np.uint8)
    upright = Image.fromarray(blocks).resize((256, 192), Image.Resampling.NEAREST)
    lying = upright.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[ORIENTATION] = QUARTER_TURN
    exact: dict[str, object] = {"quality": 100, "subsampling": 0}
    said = [
        caption(http, image).json()["results"][0]["caption"]
        for image in (
            encoded(upright, "JPEG", **exact),
            encoded(lying, "JPEG", exif=exif, **exact),
            encoded(lying, "JPEG", **exact),
        )
    ]
    assert said[0] == said[1] != said[2]


def test_equal_requests_in_flight_are_computed_once(mesh: RunningMesh, http: httpx.Client) -> None:
    picture, barrier = jpeg(77), Barrier(CALLERS)

    def call(_: int) -> httpx.Response:
        barrier.wait()
        return caption(http, picture, model="gemma")

    before = mesh.metrics("vision")["vision_preprocess_seconds_count"]
    with ThreadPoolExecutor(CALLERS) as threads:
        answers = list(threads.map(call, range(CALLERS)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["results"][0]["caption"] for answer in answers}) == 1
    assert mesh.metrics("vision")["vision_preprocess_seconds_count"] == before + 1


def test_the_captioners_are_listed(http: httpx.Client) -> None:
    names = {model: caption(http, RING, model=model).json()["model"] for model in MODELS}
    listed = http.get("/api/caption-models").json()["models"]
    assert {each["key"]: each["model"] for each in listed} == names
    assert {each["state"] for each in listed} == {"loaded"}
    assert [each["key"] for each in listed if each["collective"]] == list(CHATS)


def test_the_mesh_of_the_tests_has_no_redis(mesh: RunningMesh) -> None:
    folder = Path(mesh.process_of("vision_models").environ()["FACET_DATA_DIR"])
    assert "shared caption cache" not in (folder / "logs" / "vision-models.log").read_text()
