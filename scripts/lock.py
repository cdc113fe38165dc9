"""Writes `constraints/*.txt`: for each distribution, what its requirements are installed as."""

import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
CONSTRAINTS = ROOT / "constraints"
HEADER = "# Written by `make lock` from what is installed; do not edit.\n"


class Closure:
    """Everything that a list of requirements pulls in, in this environment."""

    def __init__(self, ours: set[str]) -> None:
        self._ours = ours
        self._seen: set[tuple[str, str]] = set()
        self._pins: dict[str, str] = {}

    def of(self, requirements: Iterable[Requirement], wanted_by: str) -> dict[str, str]:
        """Return name and version of all that is required, ours left out."""
        for requirement in requirements:
            for extra in ("", *requirement.extras):
                self._visit(canonicalize_name(requirement.name), extra, wanted_by)
        return self._pins

    def _visit(self, name: str, extra: str, wanted_by: str) -> None:
        if (name, extra) in self._seen:
            return
        self._seen.add((name, extra))
        distribution = _installed(name, wanted_by)
        if name not in self._ours:
            # `+cpu` and the like: the same pin must fit every build.
            self._pins[name] = Version(distribution.version).public
        self.of(_requirements(distribution, extra), name)


def _installed(name: str, wanted_by: str) -> metadata.Distribution:
    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError:
        sys.exit(f"{name} is not installed, but {wanted_by} requires it")


def _requirements(distribution: metadata.Distribution, extra: str) -> Iterator[Requirement]:
    for line in distribution.requires or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            yield requirement


def _write(name: str, pins: dict[str, str]) -> None:
    lines = [f"{package}=={version}\n" for package, version in sorted(pins.items())]
    (CONSTRAINTS / f"{name}.txt").write_text(HEADER + "".join(lines))
    print(f"constraints/{name}.txt: {len(lines)} packages")


def _toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text())


def _closures() -> dict[str, dict[str, str]]:
    runs = [*sorted((ROOT / "services").glob("*/pyproject.toml")), ROOT / "mesh/pyproject.toml"]
    libraries = [
        ROOT / "proto/pyproject.toml",
        ROOT / "facetkit/pyproject.toml",
        *sorted((ROOT / "demo").glob("*/pyproject.toml")),
    ]
    names = {path: canonicalize_name(_toml(path)["project"]["name"]) for path in runs + libraries}
    ours: set[str] = set(names.values())
    groups = _toml(ROOT / "pyproject.toml")["dependency-groups"]
    return {
        **{run.parent.name: Closure(ours).of([Requirement(names[run])], str(run)) for run in runs},
        **{
            group: Closure(ours).of(map(Requirement, lines), f"the dependency group {group}")
            for group, lines in groups.items()
        },
    }


def main() -> None:
    """Write a file for each process and each dependency group of the root."""
    CONSTRAINTS.mkdir(exist_ok=True)
    for name, pins in _closures().items():
        _write(name, pins)


if __name__ == "__main__":
    main()
