import pytest

from facetkit.errors import InvalidInput, NotReady, Overloaded, Unavailable
from tests.gateway.running import KEY, Gateway, running_gateway
from tests.pictures import jpeg, png

EACH = "/api/caption-images"
TOGETHER = "/api/caption-collective-images"

Files = list[tuple[str, tuple[str, bytes]]]


def files(*contents: bytes) -> Files:
    return [("images", (f"{number}.jpg", content)) for number, content in enumerate(contents)]


async def test_an_image_in_words(gateway: Gateway) -> None:
    picture = jpeg(1)
    answer = await gateway.http.post(EACH, files=files(picture))
    assert answer.status_code == 200
    assert answer.json() == {
        "results": [
            {
                "filename": "0.jpg",
                "caption": f"{len(picture)} bytes",
                "tags": ["bytes"],
                "flagged": False,
                "cache": False,
            }
        ],
        "model": "blip-base",
        "model_set": "demo",
    }
    [asked] = gateway.caption.requests
    assert (asked.model, asked.caption_prompt, asked.flag_caption_prompt) == ("blip", "", "")
    assert asked.image == picture


async def test_what_is_asked_reaches_the_models(gateway: Gateway) -> None:
    gateway.caption.cached = True
    asked = {"model": "gemma", "caption_prompt": "Что это?", "flag_caption_prompt": "a weapon"}
    answer = await gateway.http.post(EACH, params=asked, files=files(png(1)))
    assert answer.json()["results"][0]["flagged"] is True
    assert answer.json()["results"][0]["cache"] is True
    [request] = gateway.caption.requests
    assert {name: getattr(request, name) for name in asked} == asked


async def test_answers_come_in_request_order_with_their_names(gateway: Gateway) -> None:
    pictures = [jpeg(seed, 64 + seed, 64) for seed in range(12)]
    answer = await gateway.http.post(EACH, files=files(*pictures))
    results = answer.json()["results"]
    assert [result["filename"] for result in results] == [f"{n}.jpg" for n in range(12)]
    assert [result["caption"] for result in results] == [f"{len(p)} bytes" for p in pictures]


async def test_a_bad_image_takes_nothing_from_the_others(gateway: Gateway) -> None:
    good, bad = jpeg(1), jpeg(2)
    gateway.caption.bad = {bad}
    answer = await gateway.http.post(EACH, files=files(good, bad, b"hello", b"", good))
    assert answer.status_code == 200
    first, damaged, foreign, empty, last = answer.json()["results"]
    assert first["caption"] == last["caption"] == f"{len(good)} bytes"
    assert damaged == {
        "filename": "1.jpg",
        "error": "the image is damaged",
        "code": "unprocessable",
    }
    assert foreign["code"] == "unsupported_media"
    assert empty["code"] == "invalid_input"


async def test_an_image_that_is_too_large_takes_nothing_from_the_others() -> None:
    good, large = jpeg(1, 32, 32), jpeg(2, 64, 64) + bytes(5000)
    async with running_gateway(max_upload_bytes=5000) as gateway:
        answer = await gateway.http.post(EACH, files=files(good, large, good))
        together = await gateway.http.post(TOGETHER, files=files(good, large))
        alone = await gateway.http.post(EACH, files=files(large))
    first, refused, last = answer.json()["results"]
    assert first["caption"] == last["caption"]
    assert (refused["filename"], refused["code"]) == ("1.jpg", "too_large")
    assert (together.status_code, list(together.json()["fields"])) == (413, ["images[1]"])
    assert (alone.status_code, list(alone.json()["fields"])) == (413, ["images[0]"])


@pytest.mark.parametrize(
    ("contents", "status"),
    [
        ((b"hello",), 415),
        ((b"",), 400),
        ((b"hello", b"world"), 415),
        ((b"hello", b""), 400),
    ],
)
async def test_where_all_are_bad_so_is_the_answer(
    gateway: Gateway, contents: tuple[bytes, ...], status: int
) -> None:
    answer = await gateway.http.post(EACH, files=files(*contents))
    assert answer.status_code == status
    assert set(answer.json()["fields"]) == {f"images[{n}]" for n in range(len(contents))}
    assert not gateway.caption.requests


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidInput("'model' must be one of blip", fields={"model": "must be one of blip"}), 400),
        (Overloaded("the queue is full", retry_after_s=3), 429),
        (NotReady("gemma is not ready: licence and token needed"), 503),
    ],
)
async def test_what_is_wrong_with_the_request_or_the_mesh_is_told_as_it_is(
    gateway: Gateway, error: Exception, status: int
) -> None:
    gateway.caption.fails_with = error
    answer = await gateway.http.post(EACH, files=files(jpeg(1), b"hello"))
    assert answer.status_code == status
    assert answer.json()["error"] == str(error)


@pytest.mark.parametrize("path", [EACH, TOGETHER])
async def test_images_are_required_as_files(gateway: Gateway, path: str) -> None:
    missing = await gateway.http.post(path)
    assert (missing.status_code, missing.json()["error"]) == (400, "'images' is required")
    text = await gateway.http.post(path, data={"images": "a.jpg"})
    assert (text.status_code, text.json()["fields"]) == (400, {"images": "must be sent as files"})


@pytest.mark.parametrize("field", ["model", "caption_prompt", "flag_caption_prompt"])
async def test_what_belongs_into_the_query_is_not_passed_over_in_the_form(
    gateway: Gateway, field: str
) -> None:
    answer = await gateway.http.post(EACH, data={field: "gemma"}, files=files(jpeg(1)))
    assert answer.status_code == 400
    assert answer.json()["fields"] == {field: "must be in the query string"}


@pytest.mark.parametrize(("path", "most"), [(EACH, 32), (TOGETHER, 16)])
async def test_there_is_a_most_of_images(gateway: Gateway, path: str, most: int) -> None:
    picture = png(1, 8, 8)
    enough = await gateway.http.post(path, files=files(*[picture] * most))
    assert enough.status_code == 200
    too_many = await gateway.http.post(path, files=files(*[picture] * (most + 1)))
    assert too_many.status_code == 400
    assert str(most) in too_many.json()["error"]


async def test_several_images_in_one_caption(gateway: Gateway) -> None:
    asked = {"model": "gemma", "flag_caption_prompt": "is it gold?"}
    answer = await gateway.http.post(TOGETHER, params=asked, files=files(jpeg(1), jpeg(2)))
    assert answer.json() == {
        "collective_caption": "2 images",
        "count": 2,
        "tags": ["images"],
        "flagged": True,
        "cache": False,
        "model": "blip-base",
        "model_set": "demo",
    }
    [request] = gateway.caption.requests
    assert list(request.images) == [jpeg(1), jpeg(2)]


async def test_one_bad_image_spoils_a_collective_caption(gateway: Gateway) -> None:
    answer = await gateway.http.post(TOGETHER, files=files(jpeg(1), b"hello"))
    assert answer.status_code == 415
    assert list(answer.json()["fields"]) == ["images[1]"]
    assert not gateway.caption.requests


async def test_no_model_stands_in_for_collective_captions(gateway: Gateway) -> None:
    await gateway.http.post(TOGETHER, files=files(jpeg(1)))
    assert gateway.caption.requests[0].model == ""


async def test_captions_may_take_longer_and_be_larger_than_other_calls() -> None:
    async with running_gateway(deadline_s=5, caption_deadline_s=200) as gateway:
        large = jpeg(1) + bytes(20 * 2**20)
        answer = await gateway.http.post(EACH, files=files(large, large, large))
        refused = await gateway.http.post("/api/images", files={"file": large + large})
    assert answer.status_code == 200
    assert 150 < min(gateway.caption.time_remaining) <= 200
    assert refused.status_code == 413


async def test_the_models_are_listed_with_their_state(gateway: Gateway) -> None:
    answer = await gateway.http.get("/api/caption-models")
    assert answer.json()["models"] == [
        {
            "key": "blip",
            "state": "loaded",
            "reason": "",
            "collective": False,
            "model": "blip-base",
            "model_set": "demo",
        },
        {
            "key": "gemma",
            "state": "not_ready",
            "reason": "no licence",
            "collective": True,
            "model": None,
            "model_set": None,
        },
    ]


async def test_the_cache_is_reset_with_the_key_alone() -> None:
    async with running_gateway(api_key=KEY) as gateway:
        without = await gateway.http.post("/api/admin/reset-cache")
        with_key = await gateway.http.post("/api/admin/reset-cache", headers={"X-API-Key": KEY})
    assert (without.status_code, with_key.json()) == (401, {"deleted": 7})


async def test_without_any_key_the_cache_is_reset_in_debug_alone(gateway: Gateway) -> None:
    assert (await gateway.http.post("/api/admin/reset-cache")).status_code == 401
    async with running_gateway(debug=True) as debugged:
        assert (await debugged.http.post("/api/admin/reset-cache")).json() == {"deleted": 7}


async def test_a_cache_that_cannot_be_reached_is_told() -> None:
    async with running_gateway(debug=True) as gateway:
        gateway.caption.fails_with = Unavailable("the cache cannot be reached", retry_after_s=2)
        answer = await gateway.http.post("/api/admin/reset-cache")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
