"""The raw side's process, asked for one round at a time."""

import json
import os
import subprocess
import sys
from pathlib import Path

from bench.load import Cost


class RawCaptioner:
    """`raw_captions.py` over the folder of a model, in `dtype` (float32, bfloat16)."""

    def __init__(self, model: Path, dtype: str, max_new_tokens: int) -> None:
        script = Path(__file__).with_name("raw_captions.py")
        self._max_new_tokens = max_new_tokens
        self._process = subprocess.Popen(
            [sys.executable, str(script), str(model), dtype, str(max_new_tokens)],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def round(self, pictures: Path) -> Cost:
        """All JPEGs of a folder in one batch. Raises RuntimeError for captions cut short."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{pictures}\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if answer["words"] != self._max_new_tokens:
            raise RuntimeError(f"a raw caption has {answer['words']} words")
        return Cost(answer["cpu_ms"], answer["wall_ms"])

    def stop(self) -> None:
        """Ends the process."""
        self._process.terminate()
        self._process.communicate()
