"""A random Gemma 3 with SigLIP, as google/gemma-3-4b-it."""

from transformers import (
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Gemma3ImageProcessorPil,
    GemmaTokenizer,
)

from vision_models.random_captioners.drawing import draw, favour
from vision_models.random_captioners.layout import BuiltCaptioner
from vision_models.random_captioners.words import (
    DIGITS,
    LETTERS,
    PUNCTUATION,
    READ_WORDS,
    WORDS,
    joined,
    numbered,
)

IMAGE_SIZE, PATCH, TOKENS_PER_IMAGE = 56, 14, 4
_SPACE = "\u2581"
_BASE = ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>")
_IMAGE_TOKENS = {
    "boi_token": "<start_of_image>",
    "eoi_token": "<end_of_image>",
    "image_token": "<image_soft_token>",
}
_TURNS = ("<start_of_turn>", "<end_of_turn>")
_CHAT_TEMPLATE = """{{ bos_token }}{% for message in messages %}<start_of_turn>{{
 "model" if message.role == "assistant" else message.role }}
{% for part in message.content %}{% if part.type == "image" %}<start_of_image>{% else %}{{
 part.text | trim }}{% endif %}{% endfor %}<end_of_turn>
{% endfor %}{% if add_generation_prompt %}<start_of_turn>model
{% endif %}"""


def build() -> BuiltCaptioner:
    """The model with its processor."""
    tokenizer = _tokenizer()
    model = Gemma3ForConditionalGeneration(_config(tokenizer))
    ends = tokenizer.convert_tokens_to_ids(["<eos>", "<end_of_turn>"])
    model.generation_config.eos_token_id = ends
    draw(model)
    favour(model.lm_head.weight, tokenizer, (_SPACE + word for word in WORDS))
    side = {"height": IMAGE_SIZE, "width": IMAGE_SIZE}
    images = Gemma3ImageProcessorPil(
        size=side, image_mean=[0.5] * 3, image_std=[0.5] * 3, image_seq_length=TOKENS_PER_IMAGE
    )
    settings = {"processor_class": "Gemma3Processor", "image_seq_length": TOKENS_PER_IMAGE}
    return BuiltCaptioner(model, images, tokenizer, settings, _CHAT_TEMPLATE)


def _config(tokenizer: GemmaTokenizer) -> Gemma3Config:
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4}
    text = {
        # Five layers of a sliding window and a full one are the pattern of the real model.
        "num_hidden_layers": 6,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "query_pre_attn_scalar": 8,
        "vocab_size": len(tokenizer),
        "tie_word_embeddings": False,
    }
    vision = {
        "model_type": "siglip_vision_model",
        "num_hidden_layers": 2,
        "image_size": IMAGE_SIZE,
        "patch_size": PATCH,
        "vision_use_head": False,
    }
    return Gemma3Config(
        text_config=shape | text,
        vision_config=shape | vision,
        mm_tokens_per_image=TOKENS_PER_IMAGE,
        boi_token_index=tokenizer.boi_token_id,
        eoi_token_index=tokenizer.eoi_token_id,
        image_token_index=tokenizer.image_token_id,
        # Tied, a random decoder says its last token again and again.
        tie_word_embeddings=False,
    )


def _tokenizer() -> GemmaTokenizer:
    # No trainer: trained vocabularies differ from process to process.
    tokens, merges = joined([*WORDS, *READ_WORDS], _SPACE)
    alphabet = [_SPACE, "\n", *LETTERS, *LETTERS.upper(), *DIGITS, *PUNCTUATION]
    special = [*_TURNS, *_IMAGE_TOKENS.values()]
    vocab = numbered(_BASE, [f"<0x{i:02X}>" for i in range(256)], alphabet, tokens, special)
    tokenizer = GemmaTokenizer(vocab=vocab, merges=merges, extra_special_tokens=_IMAGE_TOKENS)
    tokenizer.add_special_tokens({"additional_special_tokens": list(_TURNS)})
    return tokenizer
