"""blip-image-captioning-base and its like through transformers."""

from typing import Any

import torch
from torch.nn import functional
from transformers import BlipForConditionalGeneration, BlipProcessor
from transformers.activations import GELUActivation

from vision_models.domain import Captioner
from vision_models.models.checkpoint import identity, load_model
from vision_models.models.device import Placement
from vision_models.models.generating import Generator, decode_greedily
from vision_models.models.prefix import PrefixCaptioner
from vision_models.models.weights import Weights


class FusedAttention(torch.nn.Module):
    """A BlipAttention that keeps no scores: 577² per head, 16 MB an image and layer in fp32."""

    def __init__(self, attention: Any) -> None:
        super().__init__()
        self.qkv = attention.qkv
        self.projection = attention.projection
        self._heads = attention.num_heads

    def forward(self, hidden_states: torch.Tensor, **options: Any) -> tuple[torch.Tensor, None]:
        """n × tokens × width as the same, and no scores."""
        split = self.qkv(hidden_states).unflatten(2, (3, self._heads, -1))
        queries, keys, values = split.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = functional.scaled_dot_product_attention(queries, keys, values)
        return self.projection(mixed.transpose(1, 2).flatten(2)), None


class InPlaceGelu(torch.nn.Module):
    """GELU written over its input: new memory costs more than the arithmetic."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """The activations, in the memory of `inputs`."""
        result: torch.Tensor = torch.ops.aten.gelu_(inputs)
        return result


def load(weights: Weights, placement: Placement, max_new_tokens: int) -> Captioner:
    """Loads the model from its folder; touches no network."""
    model = load_model(BlipForConditionalGeneration, weights, placement)
    processor: Any = BlipProcessor.from_pretrained(weights.folder, local_files_only=True)
    _lighten(model.vision_model)
    text = model.config.text_config
    # The model names its end itself at each call.
    decode_greedily(model.text_decoder, processor.tokenizer, None, max_new_tokens)
    return PrefixCaptioner(
        Generator(model, processor, placement),
        identity(weights),
        processor.image_processor.size["height"],
        text.max_position_embeddings - max_new_tokens,
        keeps_prefix=True,
    )


def _lighten(tower: Any) -> None:
    for layer in tower.encoder.layers:
        layer.self_attn = FusedAttention(layer.self_attn)
        if isinstance(layer.mlp.activation_fn, GELUActivation):
            layer.mlp.activation_fn = InPlaceGelu()
