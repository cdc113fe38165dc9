"""The captioners under test, each loaded once."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import torch

from facetkit import registry
from tests.vision_models.fake_captioner import FakeCaptioner, FakeChatCaptioner
from vision_models import demo, random_models
from vision_models.domain import Captioner, Pixels
from vision_models.models import CAPTIONERS, device, weights

MAX_NEW_TOKENS = 8
FAKES: dict[str, Callable[[], Captioner]] = {"fake": FakeCaptioner, "fake-chat": FakeChatCaptioner}
ALONE = ["fake", "blip", "blip2"]
CHATS = ["fake-chat", "gemma", "intern_vlm"]


def load(models_dir: Path, kind: str, dtype: str = "fp32") -> Captioner:
    """The captioner of this kind, loaded anew."""
    if kind in FAKES:
        return FAKES[kind]()
    folder = random_models.ensure(models_dir, demo.RECIPES[kind])
    return load_from(folder, kind, dtype)


def load_from(folder: Path, kind: str, dtype: str = "fp32") -> Captioner:
    """The captioner of this kind whose weights lie in `folder`; of tiny ones one thread is best."""
    torch.set_num_threads(1)
    found = weights.Weights(folder.name, str(folder), demo.RANDOM, "1")
    load_captioner = registry.load(CAPTIONERS, kind)
    captioner: Captioner = load_captioner(found, device.place("cpu", dtype), MAX_NEW_TOKENS)
    return captioner


loaded = cache(load)
"""As `load`, but once for all tests that leave it loaded."""


def picture(seed: int, width: int = 96, height: int = 96) -> Pixels:
    """A picture of coarse random colours, unlike that of any other seed."""
    colours = np.random.default_rng(seed).integers(0, 255, (4, 4, 3), dtype=np.uint8)
    rows = np.arange(height) * 4 // height
    columns = np.arange(width) * 4 // width
    made: Pixels = colours[rows][:, columns]
    return made
