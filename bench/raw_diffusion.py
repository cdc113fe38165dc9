"""The raw side: the bare pipeline of diffusers in one process, with no queue and no network.

Reads requests from standard input, a line of JSON each: what the pipeline is called with, the
seed, and the file that the samples are written to. Answers with one line of JSON. Arguments:
folder of the model, name of the torch type to compute in.
"""

import json
import sys
import time
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from diffusers.utils import logging
from transformers.utils import logging as transformers_logging


def draw(pipeline: Any, asked: dict[str, Any]) -> dict[str, float]:
    """CPU and wall milliseconds of one picture."""
    seed, file = asked.pop("seed"), asked.pop("file")
    cpu, wall = time.process_time(), time.perf_counter()
    generator = torch.Generator().manual_seed(seed)
    [picture] = pipeline(generator=generator, output_type="np", **asked).images
    cost = {
        "cpu_ms": (time.process_time() - cpu) * 1000,
        "wall_ms": (time.perf_counter() - wall) * 1000,
    }
    np.save(file, (picture * 255).round().astype(np.int64))
    return cost


def main() -> None:
    """Loads and answers until the input ends."""
    torch.set_num_threads(1)
    folder, dtype = sys.argv[1:]
    for silence in (logging, transformers_logging):
        silence.disable_progress_bar()
    kind: Any = StableDiffusionPipeline
    pipeline = kind.from_pretrained(
        folder, dtype=getattr(torch, dtype), safety_checker=None, low_cpu_mem_usage=False
    )
    pipeline.set_progress_bar_config(disable=True)
    for line in sys.stdin:
        print(json.dumps(draw(pipeline, json.loads(line))), flush=True)


main()
