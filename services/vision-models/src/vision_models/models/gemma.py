"""gemma-3-4b-it and its like through transformers."""

from typing import Any

from transformers import Gemma3ForConditionalGeneration, Gemma3Processor

from vision_models.domain import ChatCaptioner
from vision_models.models.chat import ChatVlm
from vision_models.models.checkpoint import identity, load_model
from vision_models.models.device import Placement
from vision_models.models.generating import Generator, decode_greedily
from vision_models.models.weights import Weights


def load(weights: Weights, placement: Placement, max_new_tokens: int) -> ChatCaptioner:
    """Loads the model from its folder; touches no network."""
    model = load_model(Gemma3ForConditionalGeneration, weights, placement)
    processor: Any = Gemma3Processor.from_pretrained(weights.folder, local_files_only=True)
    eos = model.generation_config.eos_token_id
    decode_greedily(model, processor.tokenizer, eos, max_new_tokens)
    return ChatVlm(
        Generator(model, processor, placement),
        identity(weights),
        processor.image_processor.size["height"],
        lambda images: {},
    )
