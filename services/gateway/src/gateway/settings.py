"""Settings of the gateway."""

from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import NoDecode

from facetkit.object_stores import BaseUrl, ObjectStoreSettings
from facetkit.settings import CommaList, ServiceSettings

_DEVELOPMENT_ORIGINS = ("http://localhost:3000", "http://localhost:5173", "http://localhost:8501")
_FORM_OVERHEAD_BYTES = 2**20
_IMAGES_TOGETHER_BYTES = 64 * 2**20


def _named_keys(value: object) -> object:
    if not isinstance(value, str):
        return value
    pairs = [part.strip().partition(":") for part in value.split(",") if part.strip()]
    if not all(name and key for name, _, key in pairs):
        raise ValueError("must be a comma list of name:key")
    if len({name for name, _, _ in pairs}) < len(pairs):
        raise ValueError("names a key twice")
    return {name: key for name, _, key in pairs}


NamedKeys = Annotated[dict[str, SecretStr], NoDecode, BeforeValidator(_named_keys)]


class Settings(ObjectStoreSettings, ServiceSettings):
    """Every variable that the gateway reads; sizes in bytes, times in seconds."""

    port: int = Field(default=8000, ge=0, le=65535)
    public_base_url: Annotated[BaseUrl, Field(min_length=1)] = "http://localhost:8000"
    api_key: SecretStr = SecretStr("")
    api_keys: NamedKeys = Field(default_factory=dict)
    cors_origins: CommaList | None = None
    vision_target: str = "127.0.0.1:50051"
    vision_embedding_target: str = ""
    vision_caption_target: str = ""
    vision_generation_target: str = ""
    vision_segmentation_target: str = ""
    search_target: str = "127.0.0.1:50052"
    objects_public: bool = True
    fetch_allow: CommaList = ()
    fetch_timeout_s: float = Field(default=10.0, gt=0, le=300)
    max_upload_bytes: int = Field(default=24 * 2**20, ge=1, le=24 * 2**20)
    max_inflight_bytes: int = Field(default=256 * 2**20, ge=1)
    deadline_s: float = Field(default=30.0, gt=0, le=900)
    caption_deadline_s: float = Field(default=300.0, gt=0, le=900)
    generate_deadline_s: float = Field(default=300.0, gt=0, le=900)
    analyze_deadline_s: float = Field(default=300.0, gt=0, le=900)

    @model_validator(mode="after")
    def _guarded_in_production(self) -> "Settings":
        if self.env == "production" and not self.keys:
            raise ValueError("ENV=production needs an API key: set API_KEY or API_KEYS")
        if self.env == "production" and self.debug:
            raise ValueError("ENV=production and DEBUG=true would open the admin routes to all")
        return self

    @property
    def keys(self) -> dict[str, str]:
        """Every API key by its name; API_KEY is called `default`."""
        single = self.api_key.get_secret_value()
        named = {name: key.get_secret_value() for name, key in self.api_keys.items()}
        return {"default": single, **named} if single else named

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """The origins whose pages may call."""
        if self.cors_origins is not None:
            return self.cors_origins
        return () if self.env == "production" else _DEVELOPMENT_ORIGINS

    @property
    def embedding_target(self) -> str:
        """Where the Embedding family answers."""
        return self.vision_embedding_target or self.vision_target

    @property
    def caption_target(self) -> str:
        """Where the Caption family answers."""
        return self.vision_caption_target or self.vision_target

    @property
    def generation_target(self) -> str:
        """Where the Generation family answers."""
        return self.vision_generation_target or self.vision_target

    @property
    def segmentation_target(self) -> str:
        """Where the Segmentation family answers."""
        return self.vision_segmentation_target or self.vision_target

    @property
    def https(self) -> bool:
        """Whether callers reach the gateway over https."""
        return self.public_base_url.startswith("https://")

    @property
    def max_body_bytes(self) -> int:
        """The largest body: one upload and the form around it."""
        return self.max_upload_bytes + _FORM_OVERHEAD_BYTES

    @property
    def max_caption_body_bytes(self) -> int:
        """The largest body of the routes that take several images, and the form around them."""
        return max(self.max_upload_bytes, _IMAGES_TOGETHER_BYTES) + _FORM_OVERHEAD_BYTES

    @property
    def max_json_body_bytes(self) -> int:
        """The largest body in JSON: one upload in base64 and what is said of it."""
        return -(-self.max_upload_bytes // 3) * 4 + _FORM_OVERHEAD_BYTES
