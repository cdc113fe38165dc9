"""URLs of objects: where they lead, and that our own are known when callers send them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import httpx
import pytest

from facetkit.errors import InvalidInput
from facetkit.memory_objects import MemoryObjectStore
from facetkit.object_stores import open_object_store
from facetkit.objects import ObjectStore
from facetkit.s3_bucket import S3Bucket
from facetkit.testing import Service, serving
from gateway.app import create_app
from gateway.object_urls import ObjectUrls
from gateway.settings import Settings
from gateway.vision.client import EMBEDDING_SERVICE
from tests.gateway.fakes import FakeEmbedding
from tests.gateway.running import ADD_EMBEDDING, clients, in_process, settings
from tests.pictures import jpeg
from tests.ports import free_port
from tests.s3_server import ACCESS_KEY_ID, SECRET_ACCESS_KEY, S3Server

PICTURE = jpeg(1)
KEY = "photos/a b+c%20/Я.jpg"
QUOTED = "photos/a%20b%2Bc%2520/%D0%AF.jpg"


def urls(base: str, bucket: S3Bucket | None = None, *, aliases: bool = True) -> ObjectUrls:
    return ObjectUrls(base, MemoryObjectStore(), bucket, expires_s=60, loopback_aliases=aliases)


@pytest.mark.parametrize("base", ["http://localhost:8000", "https://facet.example/api/"])
def test_a_store_that_serves_nothing_itself_is_served_by_us(base: str) -> None:
    url = urls(base).url(KEY)
    assert url == f"{base.rstrip('/')}/objects/{QUOTED}"
    assert urls(base).key(url) == urls(base).key(f"{url}?a=b") == KEY


def test_loopback_aliases_are_known_where_they_are_asked_for() -> None:
    for host in ("localhost", "127.0.0.1", "[::1]"):
        url = f"http://{host}:8000/objects/{QUOTED}"
        assert urls("http://localhost:8000").key(url) == KEY
        assert urls("https://facet.example", aliases=False).key(url) is None


@pytest.mark.parametrize(
    "url",
    [
        *["http://localhost:8001/objects/a", "https://localhost:8000/objects/a"],
        *["http://localhost:8000/a", "http://localhost:8000/objects", "http://other/objects/a"],
    ],
)
def test_urls_of_others(url: str) -> None:
    assert urls("http://localhost:8000", S3Bucket("bucket")).key(url) is None


def test_urls_of_the_bucket_are_known_beside_ours() -> None:
    known = urls("http://localhost:8000", S3Bucket("bucket", public_url="https://files.example"))
    for start in (
        "http://localhost:8000/objects",
        "https://files.example",
        "https://bucket.s3.eu-west-3.amazonaws.com",
        "https://s3.eu-west-3.amazonaws.com/bucket",
    ):
        assert known.key(f"{start}/{QUOTED}?X-Amz-Signature=0") == KEY


@pytest.mark.parametrize("url", ["", "ftp://x/objects/a", "http://user@localhost:8000/objects/a"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        urls("http://localhost:8000").key(url)


@dataclass
class BucketGateway:
    """A gateway whose objects lie in a bucket, behind `endpoint`."""

    http: httpx.AsyncClient
    store: ObjectStore
    embedding: FakeEmbedding
    endpoint: str
    bucket: str


def bucket_settings(endpoint: str, bucket: str, **changes: object) -> Settings:
    return settings(
        s3_bucket=bucket,
        s3_endpoint_url=endpoint,
        aws_region="us-east-1",
        aws_access_key_id=ACCESS_KEY_ID,
        aws_secret_access_key=SECRET_ACCESS_KEY,
        max_upload_bytes=2**20,
        **changes,
    )


@pytest.fixture(scope="module")
async def over_s3(s3_server: S3Server) -> AsyncIterator[BucketGateway]:
    bucket = s3_server.bucket()
    configured = bucket_settings(s3_server.url, bucket, s3_public_url="http://files.example/all")
    store, embedding = open_object_store(configured), FakeEmbedding()
    async with serving(Service(EMBEDDING_SERVICE, ADD_EMBEDDING, embedding)) as rpc:
        peers = replace(clients(rpc, rpc, MemoryObjectStore()), objects=store)
        async with in_process(create_app(configured, peers)) as http:
            yield BucketGateway(http, store, embedding, s3_server.url, bucket)
    await store.close()


async def embedded(gateway: BucketGateway, url: str) -> httpx.Response:
    return await gateway.http.post("/upload", data={"imageUrl": url})


async def test_every_url_of_an_object_is_read_from_the_store(over_s3: BucketGateway) -> None:
    await over_s3.store.put(KEY, PICTURE, content_type="image/jpeg")
    signed = over_s3.store.url(KEY, expires_s=60)
    assert signed
    assert signed.startswith(f"http://files.example/all/{QUOTED}?X-Amz-")
    path_style = f"{over_s3.endpoint}/{over_s3.bucket}/{QUOTED}"
    for url in (signed, path_style, f"http://localhost:8000/objects/{QUOTED}"):
        over_s3.embedding.requests.clear()
        assert (await embedded(over_s3, url)).status_code == 200
        assert [request.image for request in over_s3.embedding.requests] == [PICTURE]


@pytest.mark.parametrize(
    ("key", "status"),
    [("photobooth/face.jpg", 404), ("a/trash/b.jpg", 404), ("none.jpg", 404), ("a//b.jpg", 400)],
)
async def test_a_signature_opens_nothing_that_is_closed(
    over_s3: BucketGateway, key: str, status: int
) -> None:
    if status == 404 and key != "none.jpg":
        await over_s3.store.put(key, PICTURE, content_type="image/jpeg")
    url = f"{over_s3.endpoint}/{over_s3.bucket}/{key}?X-Amz-Signature=0"
    answer = await embedded(over_s3, url)
    assert answer.status_code == status
    assert answer.json()["fields"].keys() == {"imageUrl"}


async def test_an_object_over_the_limit_is_not_read(over_s3: BucketGateway) -> None:
    await over_s3.store.put("large.jpg", bytes(2**20 + 1), content_type="image/jpeg")
    answer = await embedded(over_s3, "http://localhost:8000/objects/large.jpg")
    assert answer.status_code == 413


async def test_objects_of_the_bucket_are_served_like_files(over_s3: BucketGateway) -> None:
    await over_s3.store.put("page.jpg", PICTURE, content_type="text/html")
    whole = await over_s3.http.get("/objects/page.jpg")
    assert (whole.status_code, whole.content) == (200, PICTURE)
    assert whole.headers["Content-Type"] == "image/jpeg"
    part = await over_s3.http.get("/objects/page.jpg", headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, PICTURE[5:10])
    assert part.headers["Content-Range"] == f"bytes 5-9/{len(PICTURE)}"
    known = {"If-None-Match": whole.headers["ETag"]}
    assert (await over_s3.http.get("/objects/page.jpg", headers=known)).status_code == 304
    behind = {"Range": f"bytes={len(PICTURE)}-"}
    assert (await over_s3.http.get("/objects/page.jpg", headers=behind)).status_code == 416
    assert (await over_s3.http.head("/objects/none.jpg")).status_code == 404


async def test_a_bucket_that_cannot_be_reached_is_told(over_s3: BucketGateway) -> None:
    configured = bucket_settings(f"http://127.0.0.1:{free_port()}", "bucket")
    store = open_object_store(configured)
    async with serving() as rpc:
        peers = replace(clients(rpc, rpc, MemoryObjectStore()), objects=store)
        async with in_process(create_app(configured, peers)) as http:
            answer = await http.get("/objects/images/a.jpg")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "2"
    assert "127.0.0.1" not in answer.text
    await store.close()
