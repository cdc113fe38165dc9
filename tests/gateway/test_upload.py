import httpx
import pytest

from facetkit.errors import (
    Deadline,
    FacetError,
    NotReady,
    Overloaded,
    Unavailable,
    Unprocessable,
)
from tests.gateway.running import Gateway, answering, running_gateway
from tests.pictures import jpeg

PICTURE = jpeg(1)
KEY = "images/a b.jpg"


async def own_picture(gateway: Gateway, key: str = KEY) -> None:
    await gateway.objects.put(key, PICTURE, content_type="image/jpeg")


async def test_answers_the_seeds_body_and_nothing_else() -> None:
    async with answering(PICTURE) as host, running_gateway(allow=host) as gateway:
        answer = await gateway.http.post("/upload", data={"imageUrl": f"http://{host}/x.jpg"})
    assert answer.status_code == 200
    assert answer.json() == {
        "message": "Image processed successfully",
        "embedding": [0.5] * 512,
    }
    assert answer.headers["X-Model"] == "clip-ViT-B-32"
    assert answer.headers["X-Model-Set"] == "demo"
    assert gateway.embedding.requests[0].image == PICTURE


async def test_takes_multipart_as_well(gateway: Gateway) -> None:
    await own_picture(gateway)
    url = "http://localhost:8000/objects/images/a%20b.jpg"
    answer = await gateway.http.post("/upload", files={"imageUrl": (None, url)})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8000/objects/images/a%20b.jpg",
        "http://localhost:8000/objects/images/a%20b.jpg?width=3&x=/../y",
        "http://LOCALHOST:8000/objects/images/a%20b.jpg#here",
        "http://127.0.0.1:8000/objects/images/a%20b.jpg",
        "http://[::1]:8000/objects/images/a%20b.jpg",
    ],
)
async def test_own_urls_are_read_from_the_store(gateway: Gateway, url: str) -> None:
    await own_picture(gateway)
    answer = await gateway.http.post("/upload", data={"imageUrl": url})
    assert answer.status_code == 200
    assert gateway.embedding.requests[0].image == PICTURE


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000/objects/images/a%20b.jpg",
        "https://localhost:8000/objects/images/a%20b.jpg",
        "http://localhost:8001/objects/images/a%20b.jpg",
        "http://localhost:8000/object/images/a%20b.jpg",
        "http://localhost:8000.example.com/objects/images/a%20b.jpg",
    ],
)
async def test_in_production_only_the_public_base_url_is_our_own(url: str) -> None:
    async with running_gateway(env="production", api_key="k") as gateway:
        await own_picture(gateway)
        gateway.http.headers["X-API-Key"] = "k"
        answer = await gateway.http.post("/upload", data={"imageUrl": url})
        own = await gateway.http.post(
            "/upload", data={"imageUrl": "http://localhost:8000/objects/images/a%20b.jpg"}
        )
    assert answer.status_code == 400
    assert answer.json()["fields"].keys() == {"imageUrl"}
    assert own.status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("photobooth/face.jpg", 404),
        ("trash/face.jpg", 404),
        ("images/../photobooth/face.jpg", 400),
        ("images/%2e%2e/photobooth/face.jpg", 400),
        ("images%2f..%2fphotobooth%2fface.jpg", 400),
        ("/etc/passwd", 400),
        ("images/nothing.jpg", 404),
        ("", 400),
    ],
)
async def test_own_urls_reach_nothing_but_public_objects(
    gateway: Gateway, path: str, status: int
) -> None:
    await own_picture(gateway, "photobooth/face.jpg")
    url = f"http://localhost:8000/objects/{path}"
    answer = await gateway.http.post("/upload", data={"imageUrl": url})
    assert answer.status_code == status
    assert answer.json()["fields"].keys() == {"imageUrl"}
    assert not gateway.embedding.requests


@pytest.mark.parametrize(
    ("content", "http_status", "expected"),
    [
        (b"", "200 OK", 400),
        (b"<html>", "200 OK", 415),
        (b"\xff\xd8\xff" + bytes(2**20), "200 OK", 413),
        (PICTURE, "404 Not Found", 502),
    ],
)
async def test_bad_content_behind_a_url_names_the_field(
    content: bytes, http_status: str, expected: int
) -> None:
    async with answering(content, http_status) as host, running_gateway(allow=host) as gateway:
        answer = await gateway.http.post("/upload", data={"imageUrl": f"http://{host}/"})
    assert answer.status_code == expected
    assert answer.json()["fields"].keys() == {"imageUrl"}


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/latest", "http://10.0.0.1/", "file:///etc/passwd", "x", "http:"]
)
async def test_forbidden_urls_name_the_field(gateway: Gateway, url: str) -> None:
    answer = await gateway.http.post("/upload", data={"imageUrl": url})
    assert answer.status_code == 400
    assert answer.json()["fields"].keys() == {"imageUrl"}


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/x-www-form-urlencoded", b"", 400),
        ("application/x-www-form-urlencoded", b"imageUrl=", 400),
        ("application/x-www-form-urlencoded", b"imageurl=http://x/", 400),
        ("application/x-www-form-urlencoded", b"imageUrl=a&imageUrl=b", 400),
        ("", b"", 400),
        ("application/json", b'{"imageUrl": "http://x/"}', 415),
        ("application/x-www-form-urlencoded", b"imageUrl=%ff", 400),
        ("application/x-www-form-urlencoded", b"&".join([b"a=1"] * 33), 400),
        ("application/x-www-form-urlencoded", b"a=" + bytes(2**20), 413),
    ],
)
async def test_bad_forms(gateway: Gateway, content_type: str, body: bytes, status: int) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    answer = await gateway.http.post("/upload", content=body, headers=headers)
    assert answer.status_code == status, answer.text


async def test_a_missing_url_is_named(gateway: Gateway) -> None:
    answer = await gateway.http.post("/upload")
    assert answer.json()["error"] == "'imageUrl' is required"
    assert answer.json()["fields"] == {"imageUrl": "is required"}


FAILURES: list[tuple[FacetError | Exception, int, str, str | None]] = [
    (Unprocessable("the image is damaged"), 422, "unprocessable", None),
    (Overloaded("the queue is full", retry_after_s=2.2), 429, "overloaded", "3"),
    (Overloaded("the queue is full"), 429, "overloaded", "1"),
    (NotReady("warming up"), 503, "not_ready", "1"),
    (Unavailable("gone", retry_after_s=7), 503, "unavailable", "7"),
    (Deadline("too late"), 504, "deadline", None),
    (ValueError("secret detail"), 500, "internal", None),
]


@pytest.mark.parametrize(("failure", "status", "code", "retry_after"), FAILURES)
async def test_errors_of_vision_models_come_through(
    gateway: Gateway, failure: Exception, status: int, code: str, retry_after: str | None
) -> None:
    await own_picture(gateway)
    gateway.embedding.fails_with = failure
    answer = await upload_own(gateway)
    assert answer.status_code == status
    assert answer.json()["code"] == code
    assert answer.headers.get("Retry-After") == retry_after
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]
    assert "secret" not in answer.text


async def test_a_damaged_image_names_the_field(gateway: Gateway) -> None:
    await own_picture(gateway)
    gateway.embedding.fails_with = Unprocessable("the image is damaged")
    answer = await upload_own(gateway)
    assert answer.json()["fields"] == {"imageUrl": "the image is damaged"}


async def test_the_request_id_and_the_deadline_travel_on(gateway: Gateway) -> None:
    await own_picture(gateway)
    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    await upload_own(gateway, {"X-Request-ID": "abc-1", "traceparent": trace})
    metadata = gateway.embedding.metadata[0]
    assert metadata["x-request-id"] == "abc-1"
    assert metadata["traceparent"] == trace
    assert 0 < gateway.embedding.time_remaining[0] <= 30


async def upload_own(gateway: Gateway, headers: dict[str, str] | None = None) -> httpx.Response:
    url = "http://localhost:8000/objects/images/a%20b.jpg"
    return await gateway.http.post("/upload", data={"imageUrl": url}, headers=headers)
