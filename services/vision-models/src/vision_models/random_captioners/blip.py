"""A random BLIP, as Salesforce/blip-image-captioning-base."""

import torch
from transformers import (
    BertTokenizer,
    BlipConfig,
    BlipForConditionalGeneration,
    BlipImageProcessorPil,
)

from vision_models.random_captioners.drawing import draw
from vision_models.random_captioners.layout import BuiltCaptioner
from vision_models.random_captioners.words import (
    DIGITS,
    LETTERS,
    PUNCTUATION,
    READ_WORDS,
    WORDS,
    numbered,
)

IMAGE_SIZE, PATCH = 64, 16
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_NEVER = -100.0


def build() -> BuiltCaptioner:
    """The model with its processor."""
    tokenizer = _tokenizer()
    model = BlipForConditionalGeneration(_config(tokenizer))
    draw(model)
    predictions = model.text_decoder.cls.predictions
    with torch.no_grad():
        predictions.bias.fill_(_NEVER)
        predictions.bias[tokenizer.convert_tokens_to_ids(list(WORDS))] = 0
    side = {"height": IMAGE_SIZE, "width": IMAGE_SIZE}
    settings = {"processor_class": "BlipProcessor"}
    return BuiltCaptioner(model, BlipImageProcessorPil(size=side), tokenizer, settings)


def _config(tokenizer: BertTokenizer) -> BlipConfig:
    shape = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "projection_dim": 32,
    }
    text = {
        # The tokens that start the decoder and the encoder are known to the model alone.
        "vocab_size": len(tokenizer) + 2,
        "bos_token_id": len(tokenizer),
        "eos_token_id": tokenizer.sep_token_id,
        "sep_token_id": tokenizer.sep_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "encoder_hidden_size": 32,
    }
    vision = {"image_size": IMAGE_SIZE, "patch_size": PATCH}
    return BlipConfig(text_config=shape | text, vision_config=shape | vision)


def _tokenizer() -> BertTokenizer:
    # No trainer: trained vocabularies differ from process to process.
    pieces = [f"##{character}" for character in LETTERS + DIGITS]
    characters = [*LETTERS, *DIGITS, *PUNCTUATION]
    vocab = numbered(_SPECIAL, characters, pieces, WORDS, READ_WORDS)
    return BertTokenizer(vocab=vocab, model_max_length=512)
