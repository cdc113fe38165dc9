from pathlib import Path

import pytest
from pydantic import Field, SecretStr, ValidationError

from facetkit.settings import EXIT_WRONG_SETTINGS, ServiceSettings, UnreadableSecret, read


class HatSettings(ServiceSettings):
    port: int = Field(default=50051, ge=0, le=65535)
    hat_token: SecretStr = SecretStr("")


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work where no `.env` is, and without variables of the machine."""
    for name in HatSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(f"{name.upper()}_FILE", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def secret_file(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that HAT_TOKEN_FILE names."""
    path = empty_folder / "token"
    path.write_text("  from the file ☃\n", encoding="utf-8")
    monkeypatch.setenv("HAT_TOKEN_FILE", str(path))
    return path


def token() -> str:
    return HatSettings().hat_token.get_secret_value()


def test_defaults() -> None:
    settings = HatSettings()
    assert (settings.env, settings.log_level, settings.port) == ("development", "INFO", 50051)
    assert (settings.metrics_port, settings.drain_s, settings.grace_s) == (0, 0.0, 10.0)


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "50099")
    monkeypatch.setenv("log_level", "DEBUG")
    settings = HatSettings()
    assert (settings.port, settings.log_level) == (50099, "DEBUG")


def test_dotenv(empty_folder: Path) -> None:
    (empty_folder / ".env").write_text("PORT=50098\nHAT_TOKEN=from dotenv\nUNRELATED=1\n")
    assert (HatSettings().port, token()) == (50098, "from dotenv")


@pytest.mark.usefixtures("secret_file")
def test_secret_file_over_dotenv(empty_folder: Path) -> None:
    (empty_folder / ".env").write_text("HAT_TOKEN=from dotenv\n")
    assert token() == "from the file ☃"


@pytest.mark.usefixtures("secret_file")
def test_environment_over_secret_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAT_TOKEN", "from the environment")
    assert token() == "from the environment"


def test_arguments_over_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "50099")
    assert HatSettings(port=50097).port == 50097


@pytest.mark.usefixtures("secret_file")
def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAT_TOKEN", "")
    monkeypatch.setenv("PORT", "")
    monkeypatch.setenv("PORT_FILE", "")
    assert (token(), HatSettings().port) == ("from the file ☃", 50051)


def test_a_number_from_a_file(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (empty_folder / "port").write_text("50096\n")
    monkeypatch.setenv("PORT_FILE", str(empty_folder / "port"))
    assert HatSettings().port == 50096


def test_a_missing_secret_file_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAT_TOKEN_FILE", "/no/such/file")
    with pytest.raises(UnreadableSecret, match="HAT_TOKEN_FILE: /no/such/file"):
        HatSettings()


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("PORT", "hat", "PORT: "),
        ("ENV", "staging", "ENV: "),
        ("HAT_TOKEN_FILE", "/no/such/file", "HAT_TOKEN_FILE: "),
    ],
)
def test_a_process_with_wrong_settings_ends_with_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    value: str,
    told: str,
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SystemExit) as ended:
        read(HatSettings)
    assert ended.value.code == EXIT_WRONG_SETTINGS
    complaint = capsys.readouterr().err
    assert complaint.startswith(told)
    assert complaint.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "65536"),
        ("PORT", "hat"),
        ("ENV", "staging"),
        ("LOG_LEVEL", "LOUD"),
        ("METRICS_PORT", "-1"),
        ("DRAIN_S", "61"),
        ("GRACE_S", "inf"),
        ("DEBUG", "maybe"),
    ],
)
def test_a_bad_value_names_its_field(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as caught:
        HatSettings()
    assert [error["loc"] for error in caught.value.errors()] == [(name.lower(),)]


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        HatSettings().port = 1


@pytest.mark.usefixtures("secret_file")
def test_a_secret_is_not_shown() -> None:
    assert "from the file" not in repr(HatSettings())
