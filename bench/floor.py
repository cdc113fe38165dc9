"""The floor: decode and forward in one thread of one process, with no queue and no network.

Reads commands from standard input, a line each, and answers each with one line of JSON:
`batches` computes all images in batches of 8, `single` half of them one by one. Arguments: folder
of the model as transformers lays it out, folder of JPEGs, name of the torch type to compute in.
"""

import io
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from transformers import CLIPModel

SIDE = 224
BATCH = 8
MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)
STD = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)


def decode(content: bytes) -> npt.NDArray[np.float32]:
    """Reduced decode, bicubic, centre crop, normalised: 3 × 224 × 224."""
    file = Image.open(io.BytesIO(content))
    file.draft("RGB", (2 * SIDE, 2 * SIDE))
    image = file.convert("RGB")
    scale = SIDE / min(image.size)
    size = (round(image.width * scale), round(image.height * scale))
    image = image.resize(size, Image.Resampling.BICUBIC)
    left, top = (size[0] - SIDE) // 2, (size[1] - SIDE) // 2
    square = np.asarray(image.crop((left, top, left + SIDE, top + SIDE)), np.float32)
    return ((square / 255 - MEAN) / STD).astype(np.float32).transpose(2, 0, 1)


def embed(model: Any, images: list[bytes]) -> npt.NDArray[np.float32]:
    """Unit vectors of one batch."""
    pixels = torch.from_numpy(np.stack([decode(image) for image in images]))
    with torch.inference_mode():
        features = model.get_image_features(pixel_values=pixels.to(model.dtype)).pooler_output
        unit: npt.NDArray[np.float32] = torch.nn.functional.normalize(features.float()).numpy()
    return unit


def measure(model: Any, images: list[bytes], batch: int) -> dict[str, float]:
    """CPU and wall milliseconds per image."""
    cpu, wall = time.process_time(), time.perf_counter()
    for start in range(0, len(images), batch):
        embed(model, images[start : start + batch])
    count = len(images) / 1000
    return {
        "cpu_ms": (time.process_time() - cpu) / count,
        "wall_ms": (time.perf_counter() - wall) / count,
    }


def main() -> None:
    """Loads, warms up and answers commands until the input ends."""
    torch.set_num_threads(1)
    folder, pictures, dtype = sys.argv[1:]
    model: Any = CLIPModel.from_pretrained(folder, dtype=getattr(torch, dtype))
    model.eval()
    images = [path.read_bytes() for path in sorted(Path(pictures).glob("*.jpg"))]
    embed(model, images[:BATCH])
    print(json.dumps({"ready": True}), flush=True)
    for command in sys.stdin:
        batched = command.strip() == "batches"
        taken, batch = (images, BATCH) if batched else (images[: len(images) // 2], 1)
        print(json.dumps(measure(model, taken, batch)), flush=True)


main()
