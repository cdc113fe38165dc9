"""segment_anything where torchvision is absent: it needs four small functions of it."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from threading import Lock
from types import ModuleType
from typing import Any

import numpy as np
import torch
from PIL import Image

from vision_models.domain import Pixels

_LOCK = Lock()


def import_segment_anything() -> Any:
    """The library; over the installed torchvision where that works, else over what is below."""
    with _LOCK:
        if "segment_anything" in sys.modules or _torchvision_works():
            return import_module("segment_anything")
        # Removed again: transformers takes whatever is called torchvision for the whole of it.
        with _in_place_of_torchvision():
            return import_module("segment_anything")


def nms(boxes: torch.Tensor, scores: torch.Tensor, iou_threshold: float) -> torch.Tensor:
    """Indices of the boxes to keep, best first: each drops later ones that overlap it by more.

    `boxes` are n × 4 as left, top, right, bottom.
    """
    order = torch.argsort(scores, descending=True, stable=True)
    left, top, right, bottom = boxes[order].float().cpu().numpy().T
    area = (right - left) * (bottom - top)
    kept: list[int] = []
    waiting = np.arange(len(area))
    while waiting.size:
        best, waiting = waiting[0], waiting[1:]
        kept.append(int(best))
        across = np.minimum(right[best], right[waiting]) - np.maximum(left[best], left[waiting])
        down = np.minimum(bottom[best], bottom[waiting]) - np.maximum(top[best], top[waiting])
        shared = across.clip(0) * down.clip(0)
        waiting = waiting[shared <= iou_threshold * (area[best] + area[waiting] - shared)]
    return order[torch.tensor(kept, dtype=torch.int64, device=order.device)]


def batched_nms(
    boxes: torch.Tensor, scores: torch.Tensor, idxs: torch.Tensor, iou_threshold: float
) -> torch.Tensor:
    """As `nms`, among boxes of equal `idxs` only."""
    if boxes.numel() == 0:
        return torch.empty(0, dtype=torch.int64, device=boxes.device)
    # Moved so far apart that boxes of different classes never meet.
    apart = idxs.to(boxes) * (boxes.max() - boxes.min() + 1)
    return nms(boxes + apart[:, None], scores, iou_threshold)


def box_area(boxes: torch.Tensor) -> torch.Tensor:
    """The areas of n × 4 boxes."""
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def to_pil_image(pixels: Pixels) -> Image.Image:
    """The picture of height × width × 3."""
    return Image.fromarray(pixels)


def resize(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Bilinear, to height × width."""
    return image.resize((size[1], size[0]), Image.Resampling.BILINEAR)


def _torchvision_works() -> bool:
    try:
        import_module("torchvision.ops.boxes")
        import_module("torchvision.transforms.functional")
    except (ImportError, OSError, RuntimeError):
        return False
    return True


@contextmanager
def _in_place_of_torchvision() -> Iterator[None]:
    modules: dict[str, Mapping[str, Any]] = {
        "torchvision": {},
        "torchvision.ops": {},
        "torchvision.ops.boxes": {"batched_nms": batched_nms, "box_area": box_area},
        "torchvision.transforms": {},
        "torchvision.transforms.functional": {"resize": resize, "to_pil_image": to_pil_image},
    }
    before = {name: sys.modules.pop(name) for name in modules if name in sys.modules}
    for name, functions in modules.items():
        sys.modules[name] = module = ModuleType(name)
        module.__dict__.update(functions, __path__=[])
    try:
        yield
    finally:
        for name in modules:
            del sys.modules[name]
        sys.modules.update(before)
