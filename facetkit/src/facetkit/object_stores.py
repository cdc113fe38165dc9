"""Which object store a service uses: a folder, or a bucket of S3."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, SecretStr, model_validator

from facetkit.addresses import parse_target
from facetkit.errors import InvalidInput
from facetkit.local_objects import LocalObjectStore
from facetkit.objects import ObjectStore
from facetkit.s3_bucket import S3Bucket

_LONGEST_EXPIRY_S = 7 * 24 * 3600


def _base_url(value: str) -> str:
    try:
        path = parse_target(value).path if value else ""
    except InvalidInput as error:
        raise ValueError(error.message) from error
    if "?" in path or "#" in value:
        raise ValueError("must have no query and no fragment")
    return value.rstrip("/")


BaseUrl = Annotated[str, AfterValidator(_base_url)]
"""Begins other URLs; without a slash at its end. May be empty."""


class ObjectStoreSettings(BaseModel):
    """What a service's settings have beside ServiceSettings when it uses the object store."""

    facet_data_dir: Path = Path("./var")
    s3_bucket: str = Field(default="", pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{1,254})?$")
    aws_access_key_id: str = ""
    aws_secret_access_key: SecretStr = SecretStr("")
    aws_session_token: SecretStr = SecretStr("")
    aws_region: str = Field(default="", pattern=r"^[a-z0-9-]*$")
    s3_endpoint_url: BaseUrl = ""
    s3_public_url: BaseUrl = ""
    s3_private: bool = True
    s3_url_expires_s: int = Field(default=3600, ge=1, le=_LONGEST_EXPIRY_S)

    @model_validator(mode="after")
    def _whole_credentials(self) -> "ObjectStoreSettings":
        given = bool(self.aws_access_key_id), bool(self.aws_secret_access_key.get_secret_value())
        if self.s3_bucket and len(set(given)) > 1:
            raise ValueError("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY belong together")
        return self

    @property
    def bucket(self) -> S3Bucket | None:
        """The bucket in which objects lie; None for the local folder."""
        if not self.s3_bucket:
            return None
        return S3Bucket(self.s3_bucket, self.s3_endpoint_url, self.s3_public_url)


def open_object_store(settings: ObjectStoreSettings) -> ObjectStore:
    """The store that `settings` name. Nothing is connected to before the first call."""
    bucket = settings.bucket
    if bucket is None:
        return LocalObjectStore(settings.facet_data_dir / "objects")
    # boto3 takes a third of a second to import, which nobody needs without a bucket.
    from facetkit.s3_connection import S3Access, S3Connection
    from facetkit.s3_objects import S3ObjectStore

    access = S3Access(
        settings.s3_endpoint_url,
        settings.aws_region,
        settings.aws_access_key_id,
        settings.aws_secret_access_key.get_secret_value(),
        settings.aws_session_token.get_secret_value(),
    )
    return S3ObjectStore(bucket, S3Connection(access), private=settings.s3_private)
