"""CLIP ViT-L/14 and its like through transformers: zero-shot labels."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from transformers import AutoImageProcessor, AutoTokenizer, CLIPModel

from vision_models.domain import ModelInfo, Pixels, Vectors
from vision_models.models.device import Placement
from vision_models.models.packed_linear import pack_linears
from vision_models.models.pixels import Normaliser
from vision_models.models.vision_tower import lighten
from vision_models.models.weights import Weights


class ClipZeroShot:
    """A ZeroShotModel over transformers' CLIPModel."""

    def __init__(self, model: Any, weights: Weights, placement: Placement) -> None:
        self._model = model
        self._placement = placement
        self._tokenizer = AutoTokenizer.from_pretrained(weights.folder)
        load_processor: Any = AutoImageProcessor.from_pretrained
        processor = load_processor(weights.folder)
        self.image_size: int = processor.crop_size["height"]
        self._normalise = Normaliser(processor.image_mean, processor.image_std)
        self.logit_scale = float(model.logit_scale.detach().exp())
        self.info = ModelInfo(
            weights.name, weights.version, weights.model_set, model.config.projection_dim
        )

    def embed_images(self, images: Sequence[Pixels]) -> Vectors:
        """One unit vector per image of image_size × image_size × 3."""
        pixels = self._normalise(images).to(self._placement.device, self._placement.dtype)
        with torch.inference_mode():
            return _unit(self._model.get_image_features(pixel_values=pixels).pooler_output)

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """One unit vector per text, cut to the model's 77 tokens."""
        tokens = self._tokenizer(
            list(texts), padding=True, truncation=True, return_tensors="pt"
        ).to(self._placement.device)
        with torch.inference_mode():
            return _unit(self._model.get_text_features(**tokens).pooler_output)

    def warm_up(self) -> None:
        """One image and one text through the towers."""
        side = self.image_size
        self.embed_images([np.zeros((side, side, 3), np.uint8)])
        self.embed_texts(["a photo."])


def load(weights: Weights, placement: Placement) -> ClipZeroShot:
    """Loads the model from its folder; touches no network."""
    model: Any = CLIPModel.from_pretrained(weights.folder, dtype=placement.dtype)
    model.to(placement.device).eval()
    lighten(model.vision_model)
    pack_linears(model)
    return ClipZeroShot(model, weights, placement)


def _unit(features: torch.Tensor) -> Vectors:
    vectors: Vectors = torch.nn.functional.normalize(features.float(), dim=1).cpu().numpy()
    return vectors
