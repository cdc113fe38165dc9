"""Settings of the object store, and the URLs of a bucket."""

import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from pydantic import ValidationError

from facetkit.errors import InvalidInput
from facetkit.local_objects import LocalObjectStore
from facetkit.object_stores import ObjectStoreSettings, open_object_store
from facetkit.s3_bucket import S3Bucket
from facetkit.settings import ServiceSettings
from tests.contracts.storing import put
from tests.s3_server import ACCESS_KEY_ID, SECRET_ACCESS_KEY, S3Server

KEY = "images/a b+c%20/Я.jpg"
QUOTED = quote(KEY)


class Settings(ObjectStoreSettings, ServiceSettings):
    """A service's."""


def settings(**values: Any) -> Settings:
    return Settings(**{"_env_file": None, **values})


async def test_without_a_bucket_objects_lie_in_a_folder(tmp_path: Path) -> None:
    store = open_object_store(settings(facet_data_dir=tmp_path))
    assert isinstance(store, LocalObjectStore)
    await put(store, "a/b")
    assert (tmp_path / "objects" / "a" / "b").read_bytes() == b"x"
    assert store.url("a/b", expires_s=60) is None
    await store.close()


async def test_with_a_bucket_objects_lie_in_it(s3_server: S3Server) -> None:
    name = s3_server.bucket()
    store = open_object_store(
        settings(
            s3_bucket=name,
            s3_endpoint_url=s3_server.url,
            aws_region="us-east-1",
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=SECRET_ACCESS_KEY,
            s3_private=False,
        )
    )
    await store.ready()
    await put(store, "a/b")
    assert (await store.get("a/b")).content == b"x"
    assert store.url("a/b", expires_s=60) == f"{s3_server.url}/{name}/a/b"
    await store.close()


def test_the_environment_and_secret_files_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hidden\n")
    monkeypatch.setenv("S3_BUCKET", "photos")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY_FILE", str(secret))
    found = settings()
    assert found.bucket == S3Bucket("photos")
    assert found.aws_secret_access_key.get_secret_value() == "hidden"
    assert "hidden" not in repr(found)


def test_boto3_is_loaded_for_buckets_alone() -> None:
    script = (
        "import sys; from facetkit.object_stores import *; "
        "open_object_store(ObjectStoreSettings()); print('boto3' in sys.modules); "
        "open_object_store(ObjectStoreSettings(s3_bucket='abc')); print('boto3' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout.split() == [b"False", b"True"]


@pytest.mark.parametrize(
    "values",
    [
        {"s3_bucket": "a/b"},
        {"s3_bucket": "x"},
        {"s3_bucket": "photos", "aws_access_key_id": "AKID"},
        {"s3_bucket": "photos", "aws_secret_access_key": "secret"},
        {"s3_endpoint_url": "minio:9000"},
        {"s3_public_url": "https://files.example/?a"},
        {"s3_url_expires_s": 0},
        {"s3_url_expires_s": 604_801},
    ],
)
def test_bad_values(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(**values)


AWS, DOTTED = S3Bucket("photos"), S3Bucket("photos.example")
MINIO = S3Bucket("photos", "http://minio:9000")
NESTED = S3Bucket("photos", "https://storage.example/s3")
PUBLIC = S3Bucket("photos", "http://minio:9000", "https://files.example/all/")


@pytest.mark.parametrize(
    ("bucket", "region", "expected"),
    [
        (AWS, "eu-west-3", "https://photos.s3.eu-west-3.amazonaws.com/"),
        (AWS, "cn-north-1", "https://photos.s3.cn-north-1.amazonaws.com.cn/"),
        (DOTTED, "eu-west-3", "https://s3.eu-west-3.amazonaws.com/photos.example/"),
        (MINIO, "us-east-1", "http://minio:9000/photos/"),
        (NESTED, "us-east-1", "https://storage.example/s3/photos/"),
        (PUBLIC, "us-east-1", "https://files.example/all/"),
    ],
)
def test_urls_of_objects_and_back(bucket: S3Bucket, region: str, expected: str) -> None:
    assert bucket.url(KEY, region) == expected + QUOTED
    assert bucket.key(expected + QUOTED) == KEY
    assert bucket.key(f"{expected}{QUOTED}?X-Amz-Signature={'0' * 4000}#f") == KEY


@pytest.mark.parametrize(
    ("bucket", "start"),
    [
        (AWS, "https://photos.s3.amazonaws.com/"),
        (AWS, "http://photos.s3.amazonaws.com/"),
        (AWS, "https://photos.s3-us-west-2.amazonaws.com/"),
        (AWS, "https://photos.s3.dualstack.us-west-2.amazonaws.com/"),
        (AWS, "https://s3.amazonaws.com/photos/"),
        (AWS, "https://s3.us-west-2.amazonaws.com/photos/"),
        (DOTTED, "https://photos.example.s3.amazonaws.com/"),
        (MINIO, "http://photos.minio:9000/"),
        (MINIO, "http://MINIO:9000/photos/"),
        (NESTED, "https://photos.storage.example/s3/"),
        (PUBLIC, "http://minio:9000/photos/"),
        (PUBLIC, "https://files.example:443/all/"),
    ],
)
def test_other_forms_of_the_bucket_s_urls(bucket: S3Bucket, start: str) -> None:
    assert bucket.key(start + QUOTED) == KEY


@pytest.mark.parametrize(
    ("bucket", "url"),
    [
        (AWS, "https://photo.s3.amazonaws.com/a"),
        (AWS, "https://photos.s3.amazonaws.com/"),
        (AWS, "https://x.photos.s3.amazonaws.com/a"),
        (AWS, "https://photos.s3.amazonaws.com.evil.example/a"),
        (AWS, "https://photos.s3.evil.example/a"),
        (AWS, "https://photos.s3.amazonaws.com:8443/a"),
        (AWS, "https://s3.amazonaws.com/other/photos/a"),
        (AWS, "https://s3.amazonaws.com/photos"),
        (MINIO, "http://minio/photos/a"),
        (MINIO, "https://minio:9000/photos/a"),
        (MINIO, "http://minio:9000/other/a"),
        (MINIO, "https://photos.s3.amazonaws.com/a"),
        (PUBLIC, "https://files.example/other/a"),
        (PUBLIC, "https://files.example/allmine/a"),
    ],
)
def test_urls_of_others(bucket: S3Bucket, url: str) -> None:
    assert bucket.key(url) is None


def test_what_is_no_url_is_refused() -> None:
    with pytest.raises(InvalidInput):
        AWS.key("file:///etc/passwd")
