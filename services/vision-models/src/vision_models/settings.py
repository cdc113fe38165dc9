"""Settings of vision-models."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from facetkit.settings import CommaList, ServiceSettings
from vision_models import common_objects
from vision_models.models import CAPTIONERS

FAMILIES = ("embedding", "generation", "segmentation", "caption")

Dtype = Literal["auto", "fp32", "bf16", "fp16"]


def _seconds_by_model(value: object) -> object:
    """From 600 for all models, or gemma:600,blip2:300."""
    if not isinstance(value, str):
        return value
    parts = [part.strip() for part in value.split(",") if part.strip()]
    if len(parts) == 1 and ":" not in parts[0]:
        parts = [f"{name}:{parts[0]}" for name in CAPTIONERS]
    pairs = [part.partition(":") for part in parts]
    if not all(name in CAPTIONERS and seconds.isdecimal() for name, _, seconds in pairs):
        choice = "|".join(CAPTIONERS)
        raise ValueError(f"must be whole seconds, or a comma list of {choice}:seconds")
    return {name: int(seconds) for name, _, seconds in pairs}


SecondsByModel = Annotated[
    dict[str, Annotated[float, Field(gt=0)]], NoDecode, BeforeValidator(_seconds_by_model)
]


def _labels(value: object) -> object:
    if not isinstance(value, str):
        return value
    return common_objects.parse(value) if value else ()


Labels = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_labels)]
"""Lines or commas; none: the shipped ones."""


class Settings(ServiceSettings):
    """Every variable that vision-models reads."""

    port: int = Field(default=50051, ge=0, le=65535)
    facet_models: Literal["demo", "full"] = "demo"
    vision_families: CommaList = FAMILIES
    vision_device: str = "auto"
    vision_dtype: Dtype = "auto"
    vision_threads: int = Field(default=1, ge=1, le=256)
    vision_decoders: int = Field(default=2, ge=1, le=64)
    max_image_bytes: int = Field(default=24 * 2**20, ge=1, le=24 * 2**20)
    max_pixels: int = Field(default=64 * 2**20, ge=1)
    max_decoded_bytes: int = Field(default=160 * 2**20, ge=1)
    hf_token: SecretStr = SecretStr("")

    embedding_model: str = "sentence-transformers/clip-ViT-B-32"
    embedding_revision: str = "327ab6726d33c0e22f920c83f2ff9e4bd38ca37f"
    zero_shot_model: str = "openai/clip-vit-large-patch14"
    zero_shot_revision: str = "32bd64288804d66eefd0ccbe215aa642df71cc41"
    vision_embedding_device: str = ""
    vision_embedding_dtype: Dtype | None = None
    vision_queue_size: int = Field(default=64, ge=2, le=4096)
    vision_max_batch: int = Field(default=8, ge=1, le=256)
    vision_hang_s: float = Field(default=30.0, gt=0, le=3600)
    embedding_cache_items: int = Field(default=4096, ge=0, le=1_000_000)
    common_objects: Labels = ()

    generation_model: str = "stable-diffusion-v1-5/stable-diffusion-v1-5"
    generation_revision: str = "451f4fe16113bff5a5d2269ed5ad43b0592e9a14"
    vision_generation_device: str = ""
    vision_generation_dtype: Dtype | None = None
    vision_generation_queue_size: int = Field(default=32, ge=2, le=4096)
    vision_generation_max_batch: int = Field(default=4, ge=1, le=64)
    vision_generation_hang_s: float = Field(default=120.0, gt=0, le=3600)
    safety_checker: bool = True

    segmentation_model: str = "https://dl.fbaipublicfiles.com/segment_anything/sam_vit_l_0b3195.pth"
    segmentation_sha256: str = "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622"
    vision_segmentation_device: str = ""
    vision_segmentation_dtype: Dtype | None = None
    vision_segmentation_queue_size: int = Field(default=32, ge=2, le=4096)
    vision_segmentation_hang_s: float = Field(default=120.0, gt=0, le=3600)
    segmentation_encodings: int = Field(default=16, ge=0, le=4096)
    points_per_side: int | None = Field(default=None, ge=1, le=32)

    blip_model: str = "Salesforce/blip-image-captioning-base"
    blip_revision: str = "82a37760796d32b1411fe092ab5d4e227313294b"
    blip2_model: str = "Salesforce/blip2-opt-2.7b"
    blip2_revision: str = "59a1ef6c1e5117b3f65523d1c6066825bcf315e3"
    gemma_model: str = "google/gemma-3-4b-it"
    gemma_revision: str = "093f9f388b31de276ce2de164bdc2081324b9767"
    intern_vlm_model: str = "OpenGVLab/InternVL3-1B-hf"
    intern_vlm_revision: str = "014c0583a0d4bedf29fbe2dbff4f865eb998e171"
    vision_caption_device: str = ""
    vision_caption_dtype: Dtype | None = None
    vision_caption_queue_size: int = Field(default=64, ge=2, le=4096)
    vision_caption_max_batch: int = Field(default=8, ge=1, le=256)
    vision_caption_hang_s: float = Field(default=300.0, gt=0, le=3600)
    caption_max_new_tokens: int = Field(default=64, ge=1, le=256)
    model_capacity: int | None = Field(default=None, ge=1, le=len(CAPTIONERS))
    model_pinned: CommaList = ()
    model_ttl_s: SecondsByModel = Field(default_factory=dict)

    redis_host: str = "localhost"
    redis_port: int = Field(default=6379, ge=1, le=65535)
    redis_db: int = Field(default=0, ge=0, le=1_000_000)
    redis_username: str = ""
    redis_password: SecretStr = SecretStr("")
    redis_tls: bool = False
    cache_ttl_seconds: int = Field(default=86400, ge=1, le=365 * 86400)
    caption_cache_items: int = Field(default=4096, ge=0, le=1_000_000)

    @field_validator("vision_families")
    @classmethod
    def _known_families(cls, families: tuple[str, ...]) -> tuple[str, ...]:
        if not families or not set(families) <= set(FAMILIES):
            raise ValueError(f"must be a comma list of {', '.join(FAMILIES)}")
        return families

    @field_validator("model_pinned")
    @classmethod
    def _known_models(cls, pinned: tuple[str, ...]) -> tuple[str, ...]:
        if not set(pinned) <= set(CAPTIONERS):
            raise ValueError(f"must be a comma list of {', '.join(CAPTIONERS)}")
        return pinned

    @model_validator(mode="after")
    def _room_for_the_pinned(self) -> "Settings":
        if len(self.model_pinned) > self.capacity:
            raise ValueError(
                f"MODEL_PINNED names {len(self.model_pinned)} models, MODEL_CAPACITY is"
                f" {self.capacity}"
            )
        return self

    @property
    def demo(self) -> bool:
        """Whether the small models answer."""
        return self.facet_models == "demo"

    @property
    def models_dir(self) -> Path:
        """Where models made on the machine lie."""
        return self.facet_data_dir / "models"

    @property
    def shared_cache_host(self) -> str:
        """Where Redis is; empty where captions are kept in memory alone."""
        return "" if self.redis_host == "none" else self.redis_host

    @property
    def capacity(self) -> int:
        """Captioners in memory at once: the demo ones are small, of the full ones one fills it."""
        return self.model_capacity or (len(CAPTIONERS) if self.demo else 1)

    def hub(self, model: str) -> tuple[str, str, str]:
        """Hub id, revision and token of a model."""
        return (
            getattr(self, f"{model}_model"),
            getattr(self, f"{model}_revision"),
            self.hf_token.get_secret_value(),
        )

    def placement(self, family: str) -> dict[str, Any]:
        """Device and precision of a family."""
        device = getattr(self, f"vision_{family}_device") or self.vision_device
        dtype = getattr(self, f"vision_{family}_dtype") or self.vision_dtype
        return {"device": device, "dtype": dtype}
