"""Dockerfiles as instructions."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Instruction:
    """One instruction: `RUN`, `pip install …`."""

    name: str
    value: str


def instructions(dockerfile: str) -> list[Instruction]:
    """What the Dockerfile says, in its order, each on one line."""
    text = re.sub(r"^#.*\n", "", (ROOT / dockerfile).read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [Instruction(*line.split(maxsplit=1)) for line in lines if line]


def last_stage(dockerfile: str) -> list[Instruction]:
    """The instructions of the stage that becomes the image, its FROM first."""
    found = instructions(dockerfile)
    first = max(index for index, each in enumerate(found) if each.name == "FROM")
    return found[first:]


def values(found: list[Instruction], name: str) -> list[str]:
    """The values of every instruction of that name."""
    return [each.value for each in found if each.name == name]


def environment(dockerfile: str) -> dict[str, str]:
    """The variables that the image sets."""
    pairs = " ".join(values(last_stage(dockerfile), "ENV")).split()
    return dict(pair.split("=", 1) for pair in pairs)
