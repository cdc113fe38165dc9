"""Settings of search."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr
from sqlalchemy import URL

from facetkit.object_stores import ObjectStoreSettings
from facetkit.settings import ServiceSettings
from facetkit.sql import database_url


def _known_database(value: SecretStr) -> SecretStr:
    if value.get_secret_value():
        database_url(value.get_secret_value())
    return value


class Settings(ObjectStoreSettings, ServiceSettings):
    """Every variable that search reads; sizes in bytes, times in seconds."""

    port: int = Field(default=50052, ge=0, le=65535)
    vision_target: str = "127.0.0.1:50051"
    vision_embedding_target: str = ""
    vision_embedding_next_target: str = ""
    milvus_uri: str = Field(default="http://127.0.0.1:19530", pattern=r"^https?://\S+$")
    milvus_token: SecretStr = SecretStr("")
    vector_index: Literal["matrix", "store"] = "store"
    flush_after_s: float = Field(default=10.0, gt=0)
    database_url: Annotated[SecretStr, AfterValidator(_known_database)] = SecretStr("")
    max_image_bytes: int = Field(default=24 * 2**20, ge=1, le=24 * 2**20)
    max_pixels: int = Field(default=64 * 2**20, ge=1)
    max_decoded_bytes: int = Field(default=160 * 2**20, ge=1)
    fingerprint_workers: int = Field(default=2, ge=1, le=64)
    sync_at_once: int = Field(default=16, ge=1, le=256)
    sync_patience_s: float = Field(default=120.0, ge=0)

    @property
    def database(self) -> URL:
        """The database, with its driver."""
        given = self.database_url.get_secret_value()
        return database_url(given or f"sqlite:///{self.facet_data_dir / 'search.db'}")
