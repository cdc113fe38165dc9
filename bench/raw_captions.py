"""The raw side: decode and one batched generate in one process, with no queue and no network.

Reads names of folders from standard input, a line each, captions all JPEGs of one in one batch
and answers with one line of JSON. Arguments: folder of the model, name of the torch type to
compute in, tokens of a caption.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import BlipForConditionalGeneration, BlipProcessor


def caption(model: Any, processor: Any, paths: list[Path], tokens: int) -> list[str]:
    """One caption per picture."""
    pictures = [Image.open(path).convert("RGB") for path in paths]
    inputs = processor(images=pictures, return_tensors="pt").to(model.dtype)
    with torch.inference_mode():
        made = model.generate(**inputs, do_sample=False, num_beams=1, max_new_tokens=tokens)
    captions: list[str] = processor.batch_decode(made, skip_special_tokens=True)
    return captions


def measure(model: Any, processor: Any, paths: list[Path], tokens: int) -> dict[str, Any]:
    """CPU and wall milliseconds per picture, and the words of the shortest caption."""
    cpu, wall = time.process_time(), time.perf_counter()
    captions = caption(model, processor, paths, tokens)
    count = len(paths) / 1000
    return {
        "cpu_ms": (time.process_time() - cpu) / count,
        "wall_ms": (time.perf_counter() - wall) / count,
        "words": min(len(each.split()) for each in captions),
    }


def main() -> None:
    """Loads and answers until the input ends."""
    torch.set_num_threads(1)
    folder, dtype, tokens = sys.argv[1:]
    model: Any = BlipForConditionalGeneration.from_pretrained(folder, dtype=getattr(torch, dtype))
    model.eval()
    processor: Any = BlipProcessor.from_pretrained(folder)
    for line in sys.stdin:
        paths = sorted(Path(line.strip()).glob("*.jpg"))
        print(json.dumps(measure(model, processor, paths, int(tokens))), flush=True)


main()
