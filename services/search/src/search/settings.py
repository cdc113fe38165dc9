"""Settings of search."""

from typing import Literal

from pydantic import Field, SecretStr

from facetkit.settings import ServiceSettings


class Settings(ServiceSettings):
    """Every variable that search reads."""

    port: int = Field(default=50052, ge=0, le=65535)
    vision_target: str = "127.0.0.1:50051"
    vision_embedding_target: str = ""
    milvus_uri: str = Field(default="http://127.0.0.1:19530", pattern=r"^https?://\S+$")
    milvus_token: SecretStr = SecretStr("")
    vector_index: Literal["matrix", "store"] = "store"
    flush_after_s: float = Field(default=10.0, gt=0)
