"""Settings that every service reads: from the environment, `.env` and secret files."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

EXIT_WRONG_SETTINGS = 78
"""EX_CONFIG of sysexits.h: starting again is no help."""


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


CommaList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""Texts between commas."""


class UnreadableSecret(Exception):
    """A file that should hold a secret cannot be read; the message names its variable."""


class SecretFileSource(PydanticBaseSettingsSource):
    """Reads `NAME` from the file that `NAME_FILE` names."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The stripped content of the file, or None where no file is named."""
        variable = f"{field_name.upper()}_FILE"
        path = os.environ.get(variable)
        try:
            value = Path(path).read_text(encoding="utf-8").strip() if path else None
        except (OSError, UnicodeDecodeError) as error:
            raise UnreadableSecret(f"{variable}: {path} cannot be read") from error
        return value, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Every field for which a file is named."""
        found = {
            name: self.get_field_value(field, name)[0]
            for name, field in self.settings_cls.model_fields.items()
        }
        return {name: value for name, value in found.items() if value is not None}


class ServiceSettings(BaseSettings):
    """What all services have in common."""

    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", env_ignore_empty=True, frozen=True, protected_namespaces=()
    )

    env: Literal["development", "production", "test"] = "development"
    debug: bool = False
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    host: str = "127.0.0.1"
    facet_data_dir: Path = Path("./var")
    metrics_host: str = "127.0.0.1"
    metrics_port: int = Field(default=0, ge=0, le=65535)
    drain_s: float = Field(default=0.0, ge=0.0, le=60.0)
    grace_s: float = Field(default=10.0, ge=0.0, le=600.0)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then secret files, then `.env`."""
        return init_settings, env_settings, SecretFileSource(settings_cls), dotenv_settings


Settings = TypeVar("Settings", bound=ServiceSettings)


def read(settings: type[Settings]) -> Settings:
    """The settings of a process. Wrong ones end it with one line that names the variables."""
    try:
        return settings()
    except ValidationError as error:
        # Without the input: it may hold a secret.
        faults = error.errors(include_input=False, include_url=False)
        wrong = "; ".join(_told(each["loc"], each["msg"]) for each in faults)
    except UnreadableSecret as error:
        wrong = str(error)
    sys.stderr.write(f"{wrong}\n")
    raise SystemExit(EXIT_WRONG_SETTINGS)


def _told(location: tuple[int | str, ...], message: str) -> str:
    text = message.removeprefix("Value error, ")
    return f"{str(location[0]).upper()}: {text}" if location else text
