"""blip-image-captioning-base and its like through transformers."""

from typing import Any

from transformers import BlipForConditionalGeneration, BlipProcessor

from vision_models.domain import Captioner
from vision_models.models.checkpoint import identity, load_model
from vision_models.models.device import Placement
from vision_models.models.generating import Generator, decode_greedily
from vision_models.models.prefix import PrefixCaptioner
from vision_models.models.weights import Weights


def load(weights: Weights, placement: Placement, max_new_tokens: int) -> Captioner:
    """Loads the model from its folder; touches no network."""
    model = load_model(BlipForConditionalGeneration, weights, placement)
    processor: Any = BlipProcessor.from_pretrained(weights.folder, local_files_only=True)
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
