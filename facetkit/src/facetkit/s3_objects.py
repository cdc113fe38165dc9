"""The object store in a bucket of S3, or of a server that speaks its protocol."""

import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import structlog

from facetkit import s3_reading, s3_writing
from facetkit.errors import Conflict, FacetError, NotReady
from facetkit.objects import (
    PAGE_SIZE,
    ObjectInfo,
    ObjectPart,
    StoredObject,
    check_key,
    check_range,
)
from facetkit.s3_bucket import S3Bucket
from facetkit.s3_connection import S3Connection

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Result = TypeVar("Result")

_ETAG = re.compile(r"[!#-~]+")
_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


class S3ObjectStore:
    """An ObjectStore over `bucket`; with `private` its URLs are signed.

    The keys' owner needs s3:ListBucket, GetObject, PutObject and DeleteObject. A put's `modified`
    is this machine's time. Of racing deletions several may answer that the object was there.
    """

    def __init__(
        self,
        bucket: S3Bucket,
        connection: S3Connection,
        *,
        private: bool = True,
        page_size: int = PAGE_SIZE,
    ) -> None:
        self._bucket = bucket
        self._connection = connection
        self._private = private
        self._page_size = page_size

    async def put(
        self,
        key: str,
        content: bytes,
        *,
        content_type: str,
        if_absent: bool = False,
        if_match: str | None = None,
    ) -> ObjectInfo:
        """As ObjectStore.put."""
        if if_match is not None and not _ETAG.fullmatch(if_match):
            raise Conflict(f"the object '{key}' has changed")
        write = s3_writing.S3Write(
            self._bucket.name, key, content, content_type, if_absent, if_match
        )
        etag = await self._run(key, write.run)
        now = datetime.now(UTC).replace(microsecond=0)
        return ObjectInfo(key, len(content), etag, now, content_type)

    async def get(self, key: str, *, max_bytes: int | None = None) -> StoredObject:
        """As ObjectStore.get."""
        name = self._bucket.name
        return await self._run(key, lambda client: s3_reading.get(client, name, key, max_bytes))

    async def get_range(self, key: str, *, start: int, length: int) -> ObjectPart:
        """As ObjectStore.get_range."""
        check_range(start, length)
        name = self._bucket.name
        return await self._run(
            key, lambda client: s3_reading.get_range(client, name, key, start, length)
        )

    async def head(self, key: str) -> ObjectInfo:
        """As ObjectStore.head."""
        return await self._run(key, lambda client: s3_reading.head(client, self._bucket.name, key))

    async def delete(self, key: str) -> bool:
        """As ObjectStore.delete."""
        return await self._run(
            key, lambda client: s3_writing.delete(client, self._bucket.name, key)
        )

    async def pages(self, prefix: str = "", *, after: str = "") -> AsyncIterator[list[ObjectInfo]]:
        """As ObjectStore.pages; keys that others made and `check_key` refuses are among them."""
        more = s3_reading.can_begin_a_key(prefix)
        while more:
            page = await self._page(prefix, after)
            if page.objects:
                yield page.objects
            after, more = page.last, page.more

    def url(self, key: str, *, expires_s: int) -> str | None:
        """As ObjectStore.url."""
        url = self._bucket.url(check_key(key), self._connection.region())
        return self._connection.presigned(url, expires_s) if self._private else url

    async def ready(self) -> None:
        """As ObjectStore.ready."""
        missing = f"there is no bucket '{self._bucket.name}'"
        try:
            await self._connection.run(self._check_bucket, missing)
        except FacetError as error:
            raise NotReady(error.message, retry_after_s=error.retry_after_s) from error

    async def close(self) -> None:
        """As ObjectStore.close."""
        await self._connection.close()

    async def _run(self, key: str, work: Callable[["S3Client"], Result]) -> Result:
        return await self._connection.run(work, f"there is no object '{check_key(key)}'")

    async def _page(self, prefix: str, after: str) -> s3_reading.S3Page:
        name, size = self._bucket.name, self._page_size
        return await self._connection.run(
            lambda client: s3_reading.page(client, name, prefix, after, size), "there is no listing"
        )

    def _check_bucket(self, client: "S3Client") -> None:
        region = client.head_bucket(Bucket=self._bucket.name).get("BucketRegion")
        if region and region != self._connection.region():
            # Calls are led there, but signed URLs would not be accepted.
            _log.warning("s3_region", bucket=self._bucket.name, set_aws_region_to=region)
