"""The painters under test, each loaded once."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import torch

from tests.vision_models.fake_painter import FakePainter
from vision_models import demo, random_models
from vision_models.generation_domain import Painter
from vision_models.models import device, stable_diffusion, weights

PAINTERS = ["fake", "stable-diffusion"]


def made(models_dir: Path) -> Path:
    """The folder of the random Stable Diffusion."""
    return random_models.ensure(models_dir, demo.RECIPES["generation"])


def load_from(folder: Path, dtype: str = "fp32") -> Painter:
    """Stable Diffusion from `folder`; of tiny ones one thread is best."""
    torch.set_num_threads(1)
    found = weights.Weights("sd", str(folder), demo.RANDOM, "1")
    return stable_diffusion.load(found, device.place("cpu", dtype), safety_checker=True)


@cache
def loaded(models_dir: Path, kind: str) -> Painter:
    """The painter of this kind, once for all tests."""
    makers: dict[str, Callable[[], Painter]] = {
        "fake": FakePainter,
        "stable-diffusion": lambda: load_from(made(models_dir)),
    }
    return makers[kind]()
