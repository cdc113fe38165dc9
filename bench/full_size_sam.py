"""A SAM ViT-B of full size with random weights: as costly as the real one, made on the machine."""

from pathlib import Path

import torch

from vision_models.models.sam_import import import_segment_anything

FILE = "sam_vit_b_random.pth"


def ensure(folder: Path) -> Path:
    """The checkpoint, made where it is missing (94 M parameters, 375 MB)."""
    file = folder / FILE
    if not file.is_file():
        torch.manual_seed(0)
        network = import_segment_anything().sam_model_registry["vit_b"]()
        folder.mkdir(parents=True, exist_ok=True)
        making = file.with_suffix(".making")
        torch.save(network.state_dict(), making)
        making.replace(file)
    return file
