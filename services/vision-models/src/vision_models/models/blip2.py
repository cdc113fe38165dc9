"""blip2-opt-2.7b and its like through transformers."""

from pathlib import Path
from typing import Any

from transformers import (
    AutoImageProcessor,
    Blip2ForConditionalGeneration,
    Blip2Processor,
    GPT2Tokenizer,
    PreTrainedTokenizerFast,
)

from vision_models.domain import Captioner
from vision_models.models.checkpoint import identity, load_model
from vision_models.models.device import Placement
from vision_models.models.generating import Generator, decode_greedily
from vision_models.models.prefix import PrefixCaptioner
from vision_models.models.prompts import MAX_PROMPT_TOKENS
from vision_models.models.weights import Weights


def load(weights: Weights, placement: Placement, max_new_tokens: int) -> Captioner:
    """Loads the model from its folder; touches no network."""
    model = load_model(Blip2ForConditionalGeneration, weights, placement)
    processor = _processor(weights.folder, model.config.num_query_tokens)
    eos = model.generation_config.eos_token_id
    decode_greedily(model.language_model, processor.tokenizer, eos, max_new_tokens)
    return PrefixCaptioner(
        Generator(model, processor, placement),
        identity(weights),
        processor.image_processor.size["height"],
        _max_prompt_tokens(model.config, max_new_tokens),
        keeps_prefix=False,
    )


def _processor(folder: str, queries: int) -> Any:
    load_images: Any = AutoImageProcessor.from_pretrained
    images = load_images(folder, local_files_only=True)
    # Through AutoProcessor a folder's prompts would lack the token that starts OPT's texts: the
    # library knows this model's tokenizer by its hub id alone.
    if (Path(folder) / "tokenizer.json").is_file():
        tokenizer: Any = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
    else:
        tokenizer = GPT2Tokenizer.from_pretrained(folder, add_bos_token=True, local_files_only=True)
    processor: Any = Blip2Processor
    return processor(images, tokenizer, num_query_tokens=queries)


def _max_prompt_tokens(config: Any, max_new_tokens: int) -> int:
    # Before the prompt stand the picture's queries and the token that starts the text.
    positions: int = config.text_config.max_position_embeddings
    queries: int = config.num_query_tokens
    return min(MAX_PROMPT_TOKENS, positions - queries - max_new_tokens)
