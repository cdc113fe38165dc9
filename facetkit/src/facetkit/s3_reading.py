"""Reading from S3: objects, parts of them, and listings that can be trusted to be whole."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from facetkit.errors import Upstream
from facetkit.objects import (
    MAX_KEY_BYTES,
    ObjectInfo,
    ObjectPart,
    StoredObject,
    check_size,
    content_type_of,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_UNKNOWN_TYPES = frozenset({"", "application/octet-stream", "binary/octet-stream"})


@dataclass(frozen=True, slots=True)
class S3Page:
    """One answer of a listing; the next one, if there is `more`, goes on after `last`."""

    objects: list[ObjectInfo]
    last: str
    more: bool


def head(client: "S3Client", bucket: str, key: str) -> ObjectInfo:
    """As ObjectStore.head."""
    answer = client.head_object(Bucket=bucket, Key=key)
    return _info(key, answer, answer["ContentLength"])


def get(client: "S3Client", bucket: str, key: str, max_bytes: int | None) -> StoredObject:
    """As ObjectStore.get."""
    answer = client.get_object(Bucket=bucket, Key=key)
    with closing(answer["Body"]) as body:
        info = _info(key, answer, answer["ContentLength"])
        check_size(info, max_bytes)
        return StoredObject(info, body.read())


def get_range(client: "S3Client", bucket: str, key: str, start: int, length: int) -> ObjectPart:
    """As ObjectStore.get_range."""
    wanted = f"bytes={start}-{start + length - 1}"
    answer = client.get_object(Bucket=bucket, Key=key, Range=wanted)
    with closing(answer["Body"]) as body:
        size = answer.get("ContentRange", "").rpartition("/")[2]
        if not size.isdecimal():
            raise Upstream("the object store does not serve parts of objects")
        return ObjectPart(_info(key, answer, int(size)), start, body.read())


def page(client: "S3Client", bucket: str, prefix: str, after: str, size: int) -> S3Page:
    """The next page after `after`. Raises Upstream for an answer that may lack something."""
    # Every page starts after a key, not at a token: tokens expire while a page is worked on.
    answer = client.list_objects_v2(Bucket=bucket, Prefix=prefix, StartAfter=after, MaxKeys=size)
    entries = answer.get("Contents", [])
    keys = [entry["Key"] for entry in entries]
    more = answer.get("IsTruncated")
    if more is None or (more and not keys) or not _are_in_order([after, *keys]):
        raise Upstream("the object store's listing is not whole or not in order")
    found = [_info(each["Key"], each, each["Size"]) for each in entries]
    # Consoles make empty objects whose names end in a slash, to show folders.
    objects = [info for info in found if not info.key.endswith("/")]
    return S3Page(objects, keys[-1] if keys else after, more)


def can_begin_a_key(prefix: str) -> bool:
    """Whether S3 can have a key that starts with `prefix`."""
    try:
        return len(prefix.encode()) <= MAX_KEY_BYTES
    except UnicodeEncodeError:
        return False


def _info(key: str, answer: Mapping[str, Any], size: int) -> ObjectInfo:
    kept_type = answer.get("ContentType", "")
    return ObjectInfo(
        key,
        size,
        answer["ETag"].strip('"'),
        # Headers tell it to the second, and some servers' listings more exactly.
        answer["LastModified"].astimezone(UTC).replace(microsecond=0),
        content_type_of(key) if kept_type in _UNKNOWN_TYPES else kept_type,
    )


def _are_in_order(keys: list[str]) -> bool:
    return all(first < second for first, second in pairwise(keys))
