"""A random InternVL with Qwen2, as OpenGVLab/InternVL3-1B-hf."""

from tokenizers import pre_tokenizers
from transformers import (
    GotOcr2ImageProcessorPil,
    InternVLConfig,
    InternVLForConditionalGeneration,
    Qwen2Tokenizer,
)

from vision_models.random_captioners.drawing import draw, favour
from vision_models.random_captioners.layout import BuiltCaptioner
from vision_models.random_captioners.words import READ_WORDS, WORDS, joined, numbered

IMAGE_SIZE, PATCH, MAX_TILES = 56, 14, 12
DOWNSAMPLING = 0.5
TOKENS_PER_TILE = int((IMAGE_SIZE // PATCH * DOWNSAMPLING) ** 2)
_SPACE = "\u0120"
_IMAGE_TOKENS = {
    "start_image_token": "<img>",
    "end_image_token": "</img>",
    "context_image_token": "<IMG_CONTEXT>",
    "video_token": "<video>",
}
_END = "<|endoftext|>"
_TURNS = ("<|im_start|>", "<|im_end|>")
_CHAT_TEMPLATE = """{% for message in messages %}<|im_start|>{{ message.role }}
{% for part in message.content %}{% if part.type == "image" %}<IMG_CONTEXT>
{% else %}{{ part.text }}{% endif %}{% endfor %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""


def build() -> BuiltCaptioner:
    """The model with its processor."""
    tokenizer = _tokenizer()
    model = InternVLForConditionalGeneration(_config(tokenizer))
    draw(model)
    favour(model.lm_head.weight, tokenizer, (_SPACE + word for word in WORDS))
    images = GotOcr2ImageProcessorPil(
        size={"height": IMAGE_SIZE, "width": IMAGE_SIZE}, max_patches=MAX_TILES
    )
    settings = {"processor_class": "InternVLProcessor", "image_seq_length": TOKENS_PER_TILE}
    return BuiltCaptioner(model, images, tokenizer, settings, _CHAT_TEMPLATE)


def _config(tokenizer: Qwen2Tokenizer) -> InternVLConfig:
    shape = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
    }
    text = {
        "model_type": "qwen2",
        "num_key_value_heads": 2,
        "vocab_size": len(tokenizer),
        "bos_token_id": tokenizer.convert_tokens_to_ids(_END),
        "eos_token_id": tokenizer.eos_token_id,
        "tie_word_embeddings": False,
    }
    vision = {"image_size": [IMAGE_SIZE] * 2, "patch_size": [PATCH] * 2}
    return InternVLConfig(
        text_config=shape | text,
        vision_config=shape | vision,
        image_token_id=tokenizer.context_image_token_id,
        image_seq_length=TOKENS_PER_TILE,
        downsample_ratio=DOWNSAMPLING,
        # Tied, a random decoder says its last token again and again.
        tie_word_embeddings=False,
    )


def _tokenizer() -> Qwen2Tokenizer:
    # No trainer: trained vocabularies differ from process to process.
    tokens, merges = joined([*WORDS, *READ_WORDS], _SPACE)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    special = [_END, *_TURNS, *_IMAGE_TOKENS.values()]
    tokenizer = Qwen2Tokenizer(
        vocab=numbered(alphabet, tokens, special),
        merges=merges,
        eos_token="<|im_end|>",
        pad_token=_END,
        extra_special_tokens=_IMAGE_TOKENS,
    )
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>"]})
    return tokenizer
