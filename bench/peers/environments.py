"""The peers' virtual environments, made from the pinned requirements that lie beside this file."""

import os
import subprocess
import venv
from pathlib import Path

from scripts.torch_index import reachable

ROOT = Path("var/bench/peers")
_PINNED = Path(__file__).parent


def interpreter(name: str) -> Path:
    """The Python of the environment `name`, made anew where `name`.txt has changed.

    Raises subprocess.CalledProcessError where a package cannot be installed.
    """
    requirements = _PINNED / f"{name}.txt"
    folder = (ROOT / name).resolve()
    installed = folder / "installed.txt"
    python = folder / "bin" / "python"
    if not installed.is_file() or installed.read_text() != requirements.read_text():
        venv.create(folder, clear=True, with_pip=True)
        _install(python, requirements)
        installed.write_text(requirements.read_text())
    return python


def _install(python: Path, requirements: Path) -> None:
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    index = os.environ.get("TORCH_INDEX", "")
    extra = ["--extra-index-url", index] if index and reachable(index) else []
    subprocess.run([*pip, *extra, "--constraint", str(requirements), "torch"], check=True)
    # Without what packages ask for: the lists leave out what breaks a peer (see the README).
    subprocess.run([*pip, "--no-deps", "--requirement", str(requirements)], check=True)


def version(python: Path, package: str) -> str:
    """The installed version of `package`."""
    code = f"from importlib.metadata import version; print(version({package!r}))"
    return subprocess.check_output([python, "-c", code], text=True).strip()
