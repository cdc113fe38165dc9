"""InternVL3-1B-hf and its like through transformers."""

from math import isqrt

from transformers import InternVLForConditionalGeneration

from vision_models.domain import ChatCaptioner
from vision_models.models import intern_vl_processor
from vision_models.models.chat import ChatVlm
from vision_models.models.checkpoint import identity, load_model
from vision_models.models.device import Placement
from vision_models.models.generating import Generator, decode_greedily
from vision_models.models.weights import Weights


def load(weights: Weights, placement: Placement, max_new_tokens: int) -> ChatCaptioner:
    """Loads the model from its folder; touches no network."""
    model = load_model(InternVLForConditionalGeneration, weights, placement)
    processor = intern_vl_processor.load(weights.folder)
    eos = model.generation_config.eos_token_id
    decode_greedily(model, processor.tokenizer, eos, max_new_tokens)
    tiles = processor.image_processor.max_patches
    return ChatVlm(
        Generator(model, processor, placement),
        identity(weights),
        # Of a grid of so many tiles no shorter side has more than the root of their number.
        isqrt(tiles) * processor.image_processor.size["height"],
        # Several pictures share the tiles of one, as in the model's training.
        lambda images: {"max_patches": max(1, tiles // images)},
    )
