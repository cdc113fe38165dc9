"""A BLIP-base of full size with random weights: as costly as the real one, made on the machine."""

from pathlib import Path

import torch
from transformers import (
    BertTokenizer,
    BlipConfig,
    BlipForConditionalGeneration,
    BlipImageProcessorPil,
)

from vision_models.models.weights import MANIFEST
from vision_models.random_captioners import layout
from vision_models.random_captioners.words import numbered

NAME = "blip-image-captioning-base"
IMAGE_SIZE, PATCH = 384, 16
VOCABULARY = 30_522
SPREAD = 0.02
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_NEVER = -100.0


def ensure(folder: Path) -> Path:
    """The folder of the model, made where it is missing (247 M parameters, 1 GB)."""
    model = folder / NAME
    if not (model / MANIFEST).is_file():
        layout.write(model, _build())
    return model


def _build() -> layout.BuiltCaptioner:
    tokenizer = _tokenizer()
    torch.manual_seed(0)
    model = BlipForConditionalGeneration(_config(tokenizer))
    with torch.no_grad():
        # Every caption is as long as the most that is asked for, one word a token.
        model.text_decoder.cls.predictions.bias[: len(_SPECIAL)] = _NEVER
        model.text_decoder.cls.predictions.bias[VOCABULARY:] = _NEVER
    side = {"height": IMAGE_SIZE, "width": IMAGE_SIZE}
    settings = {"processor_class": "BlipProcessor"}
    return layout.BuiltCaptioner(model, BlipImageProcessorPil(size=side), tokenizer, settings)


def _config(tokenizer: BertTokenizer) -> BlipConfig:
    shape = {
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
    }
    text = {
        # The tokens that start the decoder and the encoder are known to the model alone.
        "vocab_size": VOCABULARY + 2,
        "bos_token_id": VOCABULARY,
        "eos_token_id": tokenizer.sep_token_id,
        "sep_token_id": tokenizer.sep_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "encoder_hidden_size": 768,
    }
    # The library's own spread for the encoder is 1e-10: denormal numbers, which cost far more.
    vision = {"image_size": IMAGE_SIZE, "patch_size": PATCH, "initializer_range": SPREAD}
    return BlipConfig(text_config=shape | text, vision_config=shape | vision)


def _tokenizer() -> BertTokenizer:
    words = [f"word{number}" for number in range(VOCABULARY - len(_SPECIAL))]
    return BertTokenizer(vocab=numbered(_SPECIAL, words), model_max_length=512)
