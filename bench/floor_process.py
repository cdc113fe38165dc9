"""The floor's process, asked for one round at a time."""

import json
import os
import subprocess
import sys
from pathlib import Path

from bench.load import Cost


class Floor:
    """`floor.py` over a folder of a model and a folder of JPEGs, in `dtype` (float32, bfloat16)."""

    def __init__(self, model: Path, images: Path, dtype: str) -> None:
        script = Path(__file__).parent / "floor.py"
        self._process = subprocess.Popen(
            [sys.executable, str(script), str(model), str(images), dtype],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer()

    def round(self, command: str) -> Cost:
        """One round: `batches` or `single`."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        return Cost(**self._answer())

    def stop(self) -> None:
        """Ends the process."""
        self._process.terminate()
        self._process.communicate()

    def _answer(self) -> dict[str, float]:
        assert self._process.stdout is not None
        answer: dict[str, float] = json.loads(self._process.stdout.readline())
        return answer
