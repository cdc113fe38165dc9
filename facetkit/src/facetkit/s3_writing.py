"""Writing to S3: conditions hold whatever becomes of the answers."""

import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.exceptions import ClientError

from facetkit.errors import AlreadyExists, Conflict
from facetkit.s3_errors import code_of, status_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_MARK = "facet-write"
_PAUSES_S = (0.05, 0.1, 0.2, 0.4)


@dataclass(frozen=True, slots=True)
class S3Write:
    """One object to be written: if there is none, or over the version with an etag, or anyhow."""

    bucket: str
    key: str
    content: bytes
    content_type: str
    if_absent: bool = False
    if_match: str | None = None
    mark: str = field(default_factory=lambda: uuid4().hex)

    def run(self, client: "S3Client") -> str:
        """Writes; answers the etag. Raises AlreadyExists and Conflict."""
        for pause_s in _PAUSES_S:
            try:
                return self._put(client)
            except ClientError as error:
                # 409: another writer is at it just now, and it is not settled who was first.
                if status_of(error) != 409:
                    return self._settled(client, error)
            time.sleep(random.uniform(0, pause_s))
        raise Conflict(f"other writers of '{self.key}' keep getting ahead")

    def _put(self, client: "S3Client") -> str:
        condition: dict[str, Any] = {"IfNoneMatch": "*"} if self.if_absent else {}
        if self.if_match is not None:
            condition["IfMatch"] = f'"{self.if_match}"'
        answer = client.put_object(
            Bucket=self.bucket,
            Key=self.key,
            Body=self.content,
            ContentType=self.content_type,
            Metadata={_MARK: self.mark},
            **condition,
        )
        return answer["ETag"].strip('"')

    def _settled(self, client: "S3Client", error: ClientError) -> str:
        """The etag, if it was this very write that the condition met: the answer had been lost."""
        conditional = self.if_absent or self.if_match is not None
        if (
            not conditional
            or status_of(error) not in {404, 412}
            or code_of(error) == "NoSuchBucket"
        ):
            raise error
        tried_again = error.response["ResponseMetadata"].get("RetryAttempts", 0) > 0
        etag = self._own_etag(client) if tried_again else None
        if etag is not None:
            return etag
        if self.if_absent:
            raise AlreadyExists(f"there is an object '{self.key}' already") from error
        raise Conflict(f"the object '{self.key}' has changed or is gone") from error

    def _own_etag(self, client: "S3Client") -> str | None:
        try:
            found = client.head_object(Bucket=self.bucket, Key=self.key)
        except ClientError as error:
            if status_of(error) == 404:
                return None
            raise
        return found["ETag"].strip('"') if found["Metadata"].get(_MARK) == self.mark else None


def delete(client: "S3Client", bucket: str, key: str) -> bool:
    """As ObjectStore.delete; S3 itself does not tell whether there was an object."""
    try:
        client.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if status_of(error) == 404:
            return False
        raise
    client.delete_object(Bucket=bucket, Key=key)
    return True
