"""The two towers of a CLIP as training uses them."""

from typing import Any

import torch
from torch.nn import functional
from transformers import CLIPModel, CLIPTokenizer


class Towers:
    """Unit vectors of pictures and texts; `tokenizer` cuts texts at the model's length."""

    def __init__(self, model: CLIPModel, tokenizer: CLIPTokenizer) -> None:
        self.model = model
        self._tokenizer: Any = tokenizer

    @property
    def scale(self) -> torch.Tensor:
        """What cosines are multiplied by."""
        return self.model.logit_scale.exp().clamp(max=60)

    def images(
        self, pixels: torch.Tensor, patches: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Vectors of images × 3 × side × side, and states of their patches.

        With `patches` (images × count) only these patches of each picture are looked at.
        """
        vision = self.model.vision_model
        states = vision.embeddings(pixels)
        if patches is not None:
            first = torch.zeros(len(patches), 1, dtype=torch.long)
            states = gather(states, torch.cat([first, patches + 1], dim=1))
        states = vision.encoder(inputs_embeds=vision.pre_layrnorm(states)).last_hidden_state
        vectors = self.model.visual_projection(vision.post_layernorm(states[:, 0]))
        return functional.normalize(vectors, dim=1), states[:, 1:]

    def texts(self, texts: list[str]) -> torch.Tensor:
        """Vectors of texts."""
        tokens = self._tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
        vectors: torch.Tensor = self.model.get_text_features(**tokens).pooler_output
        return functional.normalize(vectors, dim=1)


def gather(states: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """The states at `places` (items × count) of items × all × width."""
    return torch.gather(states, 1, places[..., None].expand(-1, -1, states.shape[2]))
