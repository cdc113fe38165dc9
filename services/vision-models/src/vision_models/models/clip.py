"""clip-ViT-B-32 and its like through sentence-transformers: images and texts in one space."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from vision_models.domain import ModelInfo, Pixels, Vectors
from vision_models.models.device import Placement
from vision_models.models.packed_linear import pack_linears
from vision_models.models.pixels import Normaliser
from vision_models.models.vision_tower import lighten
from vision_models.models.weights import Weights


class ClipEmbedder:
    """An Embedder over one SentenceTransformer that has both towers."""

    def __init__(self, model: SentenceTransformer, info: ModelInfo, dtype: torch.dtype) -> None:
        self._model = model
        self.info = info
        self._dtype = dtype
        transformer: Any = model[0]
        processor = transformer.processor.image_processor
        self.image_size: int = processor.crop_size["height"]
        self._normalise = Normaliser(processor.image_mean, processor.image_std)

    def embed_images(self, images: Sequence[Pixels]) -> Vectors:
        """One unit vector per image of image_size × image_size × 3."""
        pixels = self._normalise(images).to(self._model.device, self._dtype)
        return self._forward({"pixel_values": pixels, "modality": "image"})

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """One unit vector per text, cut to the model's 77 tokens."""
        features = self._model.preprocess(list(texts))
        on_device = {
            name: value.to(self._model.device) if isinstance(value, torch.Tensor) else value
            for name, value in features.items()
        }
        return self._forward(on_device)

    def warm_up(self) -> None:
        """One image and one text through the towers."""
        side = self.image_size
        self.embed_images([np.zeros((side, side, 3), np.uint8)])
        self.embed_texts(["a photo."])

    def _forward(self, features: dict[str, Any]) -> Vectors:
        with torch.inference_mode():
            vectors = self._model.forward(features)["sentence_embedding"].float()
            unit = torch.nn.functional.normalize(vectors, dim=1)
        result: Vectors = unit.cpu().numpy()
        return result


def load(weights: Weights, placement: Placement) -> ClipEmbedder:
    """Loads the model from its folder; touches no network."""
    model = SentenceTransformer(
        weights.folder,
        device=placement.device,
        model_kwargs={"dtype": placement.dtype},
    )
    transformer: Any = model[0]
    lighten(transformer.model.vision_model)
    pack_linears(model)
    dimensions = model.get_embedding_dimension() or model.encode(["a"]).shape[1]
    info = ModelInfo(weights.name, weights.version, weights.model_set, dimensions)
    return ClipEmbedder(model.eval(), info, placement.dtype)
