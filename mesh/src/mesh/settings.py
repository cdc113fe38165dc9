"""Settings of the mesh, and the environment that its processes inherit."""

import os
from pathlib import Path
from typing import Annotated

from dotenv import dotenv_values
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from mesh.errors import CannotStart

ENV_FILE = ".env"
Port = Annotated[int, Field(ge=1, le=65535)]


class MeshSettings(BaseSettings):
    """Where each process listens and where the data lies; each field is one variable."""

    model_config = SettingsConfigDict(env_file=ENV_FILE, env_ignore_empty=True, extra="ignore")

    host: str = "127.0.0.1"
    port: Port = 8000
    public_base_url: str = ""
    facet_data_dir: Path = Path("var")
    vision_port: Port = 50051
    vision_metrics_port: Port = 9101
    search_port: Port = 50052
    search_metrics_port: Port = 9102
    milvus_port: Port = 19530
    milvus_uri: str = ""
    api_key: str = ""
    api_keys: str = ""
    api_key_file: str = ""
    api_keys_file: str = ""

    @field_validator("facet_data_dir")
    @classmethod
    def _absolute(cls, folder: Path) -> Path:
        return folder.expanduser().absolute()

    @property
    def needs_api_key(self) -> bool:
        """Whether callers must send a key."""
        return bool(self.api_key or self.api_keys or self.api_key_file or self.api_keys_file)

    @property
    def local_host(self) -> str:
        """The address under which this machine reaches the gateway."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)

    @property
    def local_url(self) -> str:
        """The gateway's URL for a caller on this machine."""
        name = "localhost" if self.local_host in ("127.0.0.1", "::1") else self.host
        return f"http://{f'[{name}]' if ':' in name else name}:{self.port}"


def read_settings() -> MeshSettings:
    """Read the settings; a wrong one is refused with its variable's name."""
    try:
        return MeshSettings()
    except ValidationError as error:
        wrong = (f"{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        raise CannotStart("; ".join(wrong)) from error


def read_environment() -> dict[str, str]:
    """Read the variables of `.env` and of the process; the latter win."""
    from_file = {key: value for key, value in dotenv_values(ENV_FILE).items() if value is not None}
    return {**from_file, **os.environ}
