"""A random BLIP-2 with OPT, as Salesforce/blip2-opt-2.7b."""

from tokenizers import pre_tokenizers
from transformers import (
    Blip2Config,
    Blip2ForConditionalGeneration,
    BlipImageProcessorPil,
    GPT2Tokenizer,
)

from vision_models.random_captioners.drawing import draw, favour
from vision_models.random_captioners.layout import BuiltCaptioner
from vision_models.random_captioners.words import READ_WORDS, WORDS, joined, numbered

IMAGE_SIZE, PATCH, QUERIES, POSITIONS = 56, 14, 4, 2048
SPREAD = 0.4
"""With less, OPT says much the same of all pictures."""
_SPACE = "\u0120"
_IMAGE = "<image>"


def build() -> BuiltCaptioner:
    """The model with its processor."""
    tokenizer = _tokenizer()
    model = Blip2ForConditionalGeneration(_config(tokenizer))
    draw(model, SPREAD)
    favour(model.language_model.lm_head.weight, tokenizer, (_SPACE + word for word in WORDS))
    side = {"height": IMAGE_SIZE, "width": IMAGE_SIZE}
    settings = {"processor_class": "Blip2Processor", "num_query_tokens": QUERIES}
    return BuiltCaptioner(model, BlipImageProcessorPil(size=side), tokenizer, settings)


def _config(tokenizer: GPT2Tokenizer) -> Blip2Config:
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    text = {
        "model_type": "opt",
        "ffn_dim": 64,
        "word_embed_proj_dim": 32,
        "max_position_embeddings": POSITIONS,
        "vocab_size": len(tokenizer),
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        # Tied, a random decoder says its last token again and again.
        "tie_word_embeddings": False,
    }
    vision = {"intermediate_size": 64, "image_size": IMAGE_SIZE, "patch_size": PATCH}
    return Blip2Config(
        text_config=shape | text,
        vision_config=shape | vision,
        qformer_config=shape | {"intermediate_size": 64, "encoder_hidden_size": 32},
        num_query_tokens=QUERIES,
        image_token_index=len(tokenizer) - 1,
    )


def _tokenizer() -> GPT2Tokenizer:
    # No trainer: trained vocabularies differ from process to process.
    tokens, merges = joined([*WORDS, *READ_WORDS], _SPACE)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = numbered(["<s>", "<pad>", "</s>", "<unk>"], alphabet, tokens, [_IMAGE])
    tokenizer = GPT2Tokenizer(
        vocab=vocab,
        merges=merges,
        bos_token="</s>",
        eos_token="</s>",
        unk_token="</s>",
        pad_token="<pad>",
        add_bos_token=True,
    )
    tokenizer.add_special_tokens({"extra_special_tokens": [_IMAGE]})
    return tokenizer
