"""The raw side's process, asked for one picture at a time."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import psutil

from bench.diffusion_drawing import Drawn, Picture
from bench.load import Cost


class RawDiffusion:
    """`raw_diffusion.py` over the folder of a model, in `dtype` (float32, bfloat16).

    It is held but for when it draws; `folder` is for its pictures.
    """

    def __init__(self, model: Path, dtype: str, folder: Path) -> None:
        script = Path(__file__).with_name("raw_diffusion.py")
        self._file = folder / "raw.npy"
        self._process = psutil.Popen(
            [sys.executable, str(script), str(model), dtype],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def draw(self, picture: Picture) -> Drawn:
        """The picture."""
        asked = asdict(picture) | {"file": str(self._file)}
        asked["num_inference_steps"] = asked.pop("steps")
        self._process.resume()
        self._process.stdin.write(f"{json.dumps(asked)}\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        self._process.suspend()
        return Drawn(picture, Cost(answer["cpu_ms"], answer["wall_ms"]), np.load(self._file))

    def stop(self) -> None:
        """Ends the process."""
        self._process.terminate()
        self._process.resume()
        self._process.communicate()
