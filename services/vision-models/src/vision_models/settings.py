"""Settings of vision-models."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from facetkit.settings import ServiceSettings


class Settings(ServiceSettings):
    """Every variable that vision-models reads."""

    port: int = Field(default=50051, ge=0, le=65535)
    facet_models: Literal["demo", "full"] = "demo"
    embedding_model: str = "sentence-transformers/clip-ViT-B-32"
    embedding_revision: str = "327ab6726d33c0e22f920c83f2ff9e4bd38ca37f"
    zero_shot_model: str = "openai/clip-vit-large-patch14"
    zero_shot_revision: str = "32bd64288804d66eefd0ccbe215aa642df71cc41"
    vision_device: str = "auto"
    vision_dtype: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    vision_threads: int = Field(default=1, ge=1, le=256)
    vision_queue_size: int = Field(default=64, ge=2, le=4096)
    vision_max_batch: int = Field(default=8, ge=1, le=256)
    vision_decoders: int = Field(default=2, ge=1, le=64)
    vision_hang_s: float = Field(default=30.0, gt=0, le=3600)
    embedding_cache_items: int = Field(default=4096, ge=0, le=1_000_000)
    max_image_bytes: int = Field(default=24 * 2**20, ge=1, le=24 * 2**20)
    max_pixels: int = Field(default=64 * 2**20, ge=1)
    max_decoded_bytes: int = Field(default=160 * 2**20, ge=1)

    @property
    def models_dir(self) -> Path:
        """Where models made on the machine lie."""
        return self.facet_data_dir / "models"
