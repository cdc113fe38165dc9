"""What the store in a bucket does beyond the contract of all stores."""

import hashlib
import hmac
from functools import reduce
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from structlog.testing import capture_logs

from facetkit.errors import Conflict, InvalidInput, NotReady, Unavailable
from facetkit.s3_bucket import S3Bucket
from facetkit.s3_connection import S3Access, S3Connection
from facetkit.s3_objects import S3ObjectStore
from tests.contracts.storing import infos, keys, put
from tests.s3_server import SECRET_ACCESS_KEY, S3Server, access

KEY = "images/a b+c%20/Я.jpg"


@pytest.fixture
def bucket(s3_server: S3Server) -> S3Bucket:
    return S3Bucket(s3_server.bucket(), s3_server.url)


@pytest.fixture
def store(bucket: S3Bucket, s3_connection: S3Connection) -> S3ObjectStore:
    return S3ObjectStore(bucket, s3_connection, page_size=2)


async def test_keys_below_other_keys_are_keys(store: S3ObjectStore) -> None:
    await put(store, "a/b/c", "a/b", "a", "a/b-")
    assert await keys(store) == ["a", "a/b", "a/b-", "a/b/c"]


async def test_keys_of_others_are_listed_and_not_read(
    store: S3ObjectStore, bucket: S3Bucket, s3_server: S3Server
) -> None:
    foreign = ["../x", "/y", "a//b", "a/./b", "a\\b", "c\td", "x" * 300]
    for key in foreign:
        s3_server.put(bucket.name, key)
    await put(store, "a/b")
    assert await keys(store) == sorted([*foreign, "a/b"])
    assert await keys(store, "../") == ["../x"]
    for key in foreign:
        with pytest.raises(InvalidInput):
            await store.get(key)


async def test_folder_marks_are_passed_over(
    store: S3ObjectStore, bucket: S3Bucket, s3_server: S3Server
) -> None:
    for mark in ("a/", "b/", "c/", "d/", "d/e/", "z/"):
        s3_server.put(bucket.name, mark)
    await put(store, "a/1", "d/f")
    assert [[info.key for info in page] async for page in store.pages()] == [["a/1"], ["d/f"]]


async def test_types_are_those_of_the_object_then_those_of_the_key(
    store: S3ObjectStore, bucket: S3Bucket, s3_server: S3Server
) -> None:
    types = {"a.jpg": "image/pjpeg", "b.jpg": "binary/octet-stream", "c.bin": "text/css"}
    for key, content_type in types.items():
        s3_server.put(bucket.name, key, {"Content-Type": content_type})
    known = [(await store.head(key)).content_type for key in types]
    assert known == ["image/pjpeg", "image/jpeg", "text/css"]
    assert [(await store.get(key)).info.content_type for key in types] == known
    listed = [info.content_type for info in await infos(store)]
    assert listed == ["image/jpeg", "image/jpeg", "application/octet-stream"]


async def test_archived_objects_cannot_be_read(
    store: S3ObjectStore, bucket: S3Bucket, s3_server: S3Server
) -> None:
    s3_server.put(bucket.name, "a", {"x-amz-storage-class": "GLACIER"})
    with pytest.raises(Conflict, match="archived"):
        await store.get("a")


async def test_a_private_object_is_read_by_its_signed_url(
    store: S3ObjectStore, s3_server: S3Server, bucket: S3Bucket
) -> None:
    await put(store, KEY, content=b"content")
    url = store.url(KEY, expires_s=77)
    assert url
    assert url.startswith(f"{s3_server.url}/{bucket.name}/{quote(KEY)}?")
    assert "&X-Amz-Expires=77&" in url
    assert read(url) == b"content"
    assert bucket.key(url) == KEY


async def test_signed_urls_carry_the_signature_that_s3_calculates(bucket: S3Bucket) -> None:
    temporary = S3Access(bucket.endpoint_url, "eu-west-3", "AKID", SECRET_ACCESS_KEY, "a/token+=")
    public = S3Bucket("photos", bucket.endpoint_url, "https://files.example:8443/base/")
    connection = S3Connection(temporary)
    url = S3ObjectStore(public, connection).url(KEY, expires_s=60)
    assert url
    assert url.startswith(f"https://files.example:8443/base/{quote(KEY)}?X-Amz-")
    parts = dict(parse_qsl(urlsplit(url).query))
    assert parts["X-Amz-Security-Token"] == "a/token+="
    assert parts["X-Amz-Credential"].endswith("/eu-west-3/s3/aws4_request")
    assert parts.pop("X-Amz-Signature") == signature(url, parts)


def signature(url: str, parts: dict[str, str]) -> str:
    """As AWS describes it, for a GET that signs the host alone."""
    scope = parts["X-Amz-Credential"].partition("/")[2]
    query = "&".join(f"{quote(name, '')}={quote(parts[name], '')}" for name in sorted(parts))
    target = urlsplit(url)
    request = f"GET\n{target.path}\n{query}\nhost:{target.netloc}\n\nhost\nUNSIGNED-PAYLOAD"
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{parts['X-Amz-Date']}\n{scope}\n{digest}"
    steps = [*scope.split("/"), text]
    return reduce(keyed, steps, f"AWS4{SECRET_ACCESS_KEY}".encode()).hex()


def keyed(secret: bytes, message: str) -> bytes:
    return hmac.digest(secret, message.encode(), "sha256")


def read(url: str) -> bytes:
    target = urlsplit(url)
    connection = HTTPConnection(target.netloc)
    connection.request("GET", f"{target.path}?{target.query}")
    content = connection.getresponse().read()
    connection.close()
    return content


async def test_a_public_object_is_read_by_its_plain_url(
    bucket: S3Bucket, s3_connection: S3Connection
) -> None:
    store = S3ObjectStore(bucket, s3_connection, private=False)
    assert store.url(KEY, expires_s=60) == f"{bucket.endpoint_url}/{bucket.name}/{quote(KEY)}"


async def test_a_bucket_that_is_there_is_ready(store: S3ObjectStore) -> None:
    await store.ready()


async def test_a_bucket_that_is_not_there_is_not(
    s3_server: S3Server, s3_connection: S3Connection
) -> None:
    store = S3ObjectStore(S3Bucket("nowhere", s3_server.url), s3_connection)
    with pytest.raises(NotReady, match="there is no bucket 'nowhere'"):
        await store.ready()
    for attempt in (store.get("a"), keys(store), put(store, "a")):
        with pytest.raises(NotReady, match="bucket does not exist"):
            await attempt


async def test_another_region_is_told(bucket: S3Bucket, s3_server: S3Server) -> None:
    connection = S3Connection(S3Access(s3_server.url, "eu-west-3", "AKID", "secret"))
    with capture_logs() as logs:
        await S3ObjectStore(bucket, connection).ready()
    await connection.close()
    assert [log["set_aws_region_to"] for log in logs] == ["us-east-1"]


async def test_credentials_may_come_later(
    bucket: S3Bucket, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    connection = S3Connection(S3Access(s3_server.url))
    store = S3ObjectStore(bucket, connection)
    for attempt in (store.ready(), store.get("a"), keys(store)):
        with pytest.raises(NotReady, match="no credentials"):
            await attempt
    with pytest.raises(NotReady, match="no credentials"):
        store.url("a", expires_s=1)
    monkeypatch.setenv("AWS_PROFILE", "unknown")
    with pytest.raises(Unavailable):
        store.url("a", expires_s=1)
    monkeypatch.delenv("AWS_PROFILE")
    (tmp_path / "credentials").write_text(
        "[default]\naws_access_key_id=AKID\naws_secret_access_key=secret\n"
    )
    await store.ready()
    await put(store, "a")
    await connection.close()


def test_an_access_keeps_its_secrets_to_itself(s3_server: S3Server) -> None:
    assert SECRET_ACCESS_KEY not in repr(access(s3_server.url))
