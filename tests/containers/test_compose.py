import importlib
import re
import tomllib
from typing import Any

import pytest

from facetkit.settings import ServiceSettings
from gateway.settings import Settings as GatewaySettings
from search.settings import Settings as SearchSettings
from tests.containers.dockerfiles import ROOT, environment
from vision_models.settings import Settings as VisionSettings

yaml: Any = importlib.import_module("yaml")  # it has no types
TEXT = (ROOT / "docker-compose.yml").read_text()
MESH = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = MESH["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
SETTINGS: dict[str, type[ServiceSettings]] = {
    "gateway": GatewaySettings,
    "search": SearchSettings,
    "vision-models": VisionSettings,
}
OWN_FRESH_VOLUMES = {"milvus-standalone", "etcd", "minio"}
every_service = pytest.mark.parametrize("name", SERVICES)


def networks(name: str) -> set[str]:
    return set(SERVICES[name]["networks"])


def documented() -> dict[str, str]:
    """Variable and value of .env.example as docker compose reads it.

    A comment behind an empty value is the value to it.
    """
    lines = re.findall(r"^(?:# )?([A-Z0-9_]+)=[ \t]*(.*)$", env_example(), re.MULTILINE)
    return {name: value.split(" #")[0].strip().strip("'\"") for name, value in lines}


def env_example() -> str:
    return (ROOT / ".env.example").read_text(encoding="utf-8")


def test_what_runs_without_a_profile() -> None:
    started = {name for name, service in SERVICES.items() if "profiles" not in service}
    assert started == {"gateway", "search", "vision-models", "milvus", "redis"}


@every_service
def test_health_limits_and_restart(name: str) -> None:
    service = SERVICES[name]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert {"interval", "timeout", "retries", "start_period"} <= service["healthcheck"].keys()
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory", "pids"}
    assert service["restart"] == "unless-stopped"


@every_service
def test_no_more_rights_than_needed(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "privileged" not in service
    if name not in OWN_FRESH_VOLUMES:
        assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"])
        assert service["read_only"] is True


@every_service
def test_the_image_has_a_version(name: str) -> None:
    _, _, tag = SERVICES[name]["image"].rpartition(":")
    assert re.search(r"\d", tag)


@pytest.mark.parametrize("name", OURS)
def test_our_images_are_built_from_the_root_and_carry_our_version(name: str) -> None:
    build = OURS[name]["build"]
    assert build["context"] == "."
    assert (ROOT / build["dockerfile"]).is_file()
    project = tomllib.loads((ROOT / "facetkit/pyproject.toml").read_text())["project"]
    assert OURS[name]["image"].split(":")[1].removesuffix("-cuda") == project["version"]


def test_only_the_gateway_is_published_and_on_this_machine_only() -> None:
    published = {name: each["ports"] for name, each in SERVICES.items() if "ports" in each}
    port = environment("services/gateway/Dockerfile")["PORT"]
    assert published == {"gateway": [f"127.0.0.1:${{PORT:-8000}}:{port}"]}


def test_each_store_is_reached_by_its_service_alone() -> None:
    assert networks("gateway") == {"mesh"}
    reached = {
        name: {who for who in SERVICES if name in networks(who)} for name in MESH["networks"]
    }
    assert reached["cache"] == {"vision-models", "vision-models-gpu", "redis"}
    assert reached["stores"] == {"search", "milvus", "postgres", "milvus-standalone"}
    inner = {name for name, network in MESH["networks"].items() if network.get("internal")}
    assert inner == MESH["networks"].keys() - {"mesh"}


def test_the_gateway_only_reads_objects_and_search_owns_them() -> None:
    mounts = [each for service in SERVICES.values() for each in service.get("volumes", [])]
    assert [each for each in mounts if each.startswith("objects:")] == [
        "objects:/data/objects:ro",
        "objects:/data/objects",
    ]
    assert "objects:/data/objects:ro" in SERVICES["gateway"]["volumes"]
    assert {each.split(":")[0] for each in mounts} == MESH["volumes"].keys()


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_reaches_its_service(name: str) -> None:
    passed = SERVICES[name]["environment"].keys()
    fixed = environment(OURS[name]["build"]["dockerfile"]).keys()
    read = {field.upper() for field in SETTINGS[name].model_fields}
    assert read - fixed == passed


@pytest.mark.parametrize("name", SETTINGS)
def test_health_and_targets_name_the_ports_that_the_images_serve(name: str) -> None:
    port = environment(OURS[name]["build"]["dockerfile"])["PORT"]
    assert f"127.0.0.1:{port}" in SERVICES[name]["healthcheck"]["test"][-1]
    targets = re.findall(rf"_TARGET: {name}:(\d+)", TEXT)
    assert set(targets) <= {port}
    assert targets or name == "gateway"


def test_every_variable_is_documented() -> None:
    interpolated = set(re.findall(r"\$\{([A-Z0-9_]+)", TEXT))
    passed = {
        name
        for service in SERVICES.values()
        for name, value in service.get("environment", {}).items()
        if value is None
    }
    assert interpolated | passed <= documented().keys()


def test_no_comment_of_the_example_becomes_a_value() -> None:
    assert [name for name, value in documented().items() if value.startswith("#")] == []
