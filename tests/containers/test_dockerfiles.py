import json
import re
from fnmatch import fnmatch

import pytest

from tests.containers.dockerfiles import ROOT, environment, instructions, last_stage, values

SERVICES = ("gateway", "search", "vision-models")
DOCKERFILES = (
    *(f"services/{name}/Dockerfile" for name in SERVICES),
    "deploy/milvus-lite/Dockerfile",
)
every_image = pytest.mark.parametrize("dockerfile", DOCKERFILES)
every_service = pytest.mark.parametrize("service", SERVICES)


def copied(dockerfile: str) -> list[str]:
    """What the Dockerfile takes from the repository."""
    lines = [value.split() for value in values(instructions(dockerfile), "COPY")]
    return [source for line in lines if "--from" not in line[0] for source in line[:-1]]


def in_build_context(path: str) -> bool:
    """Whether .dockerignore lets the path through; the last line that fits decides."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    verdict = True
    for line in (each for each in lines if each and not each.startswith("#")):
        pattern = line.removeprefix("!").removeprefix("**/")
        parts = path.split("/")
        parents = ["/".join(parts[: end + 1]) for end in range(len(parts))]
        names = [*parents, *parts] if "**/" in line else parents
        if any(fnmatch(name, pattern) for name in names):
            verdict = line.startswith("!")
    return verdict


def test_there_is_a_dockerfile_for_every_service() -> None:
    folders = {path.parent.name for path in ROOT.glob("services/*/pyproject.toml")}
    assert folders == set(SERVICES)


@every_image
def test_builds_in_stages_from_one_named_version_of_python(dockerfile: str) -> None:
    found = instructions(dockerfile)
    stages = {value.split(" AS ")[1] for value in values(found, "FROM") if " AS " in value}
    bases = {value.split()[0] for value in values(found, "FROM")} - stages
    assert bases == {"python:${PYTHON}-slim"}
    assert len(values(found, "FROM")) > 1
    assert re.fullmatch(r"PYTHON=3\.\d+", values(found, "ARG")[0])


@every_image
def test_the_image_installs_nothing_and_runs_as_nobody_special(dockerfile: str) -> None:
    stage = last_stage(dockerfile)
    assert not [value for value in values(stage, "RUN") if re.search(r"\b(apt|pip)\b", value)]
    assert all("--from" in value for value in values(stage, "COPY"))
    assert values(stage, "USER") == ["10001:10001"]
    assert "useradd --uid 10001 " in values(stage, "RUN")[0]


@every_image
def test_the_process_itself_gets_the_signals(dockerfile: str) -> None:
    (command,) = values(last_stage(dockerfile), "CMD")
    assert json.loads(command)[:2] == ["python", "-m"]
    signals = values(last_stage(dockerfile), "STOPSIGNAL")
    assert signals == (["SIGINT"] if "milvus" in dockerfile else [])


@every_image
def test_whatever_is_copied_exists_and_reaches_the_build(dockerfile: str) -> None:
    assert copied(dockerfile)
    for source in copied(dockerfile):
        assert (ROOT / source).exists(), source
        assert in_build_context(source), source


def test_data_secrets_and_caches_stay_outside() -> None:
    for path in (".env", ".git/config", ".venv/bin/python", "var/search.db", "tests/ports.py"):
        assert not in_build_context(path), path
    assert not in_build_context("services/search/src/search/__pycache__/domain.pyc")
    assert in_build_context("services/search/src/search/domain.py")


@every_image
def test_every_version_is_pinned(dockerfile: str) -> None:
    runs = values(instructions(dockerfile), "RUN")
    installs = [run for run in runs for run in re.findall(r"install [^&;]*", run)]
    for install in (each for each in installs if not each.startswith("install -d")):
        assert re.search(r"-[rc] constraints/[\w-]+\.txt|--no-deps", install), install


@every_service
def test_the_service_is_reached_from_outside_its_container(service: str) -> None:
    variables = environment(f"services/{service}/Dockerfile")
    assert variables["HOST"] == variables["METRICS_HOST"] == "0.0.0.0"
    assert variables["FACET_DATA_DIR"] == "/data"
    assert variables["PORT"] != variables["METRICS_PORT"]
    (exposed,) = values(last_stage(f"services/{service}/Dockerfile"), "EXPOSE")
    assert exposed.split() == [variables["PORT"], variables["METRICS_PORT"]]


@every_image
def test_output_is_not_held_back_and_idle_threads_do_not_spin(dockerfile: str) -> None:
    variables = environment(dockerfile)
    assert variables["PYTHONUNBUFFERED"] == variables["OMP_NUM_THREADS"] == "1"


def test_torch_is_in_one_image_only() -> None:
    with_torch = {
        path.stem
        for path in (ROOT / "constraints").glob("*.txt")
        if re.search("^torch==", path.read_text(), re.MULTILINE)
    }
    assert with_torch == {"vision-models"}
