"""The models by name: one line per model, imported on use."""

EMBEDDERS = {"sentence-transformers": "vision_models.models.clip:load"}
ZERO_SHOT_MODELS = {"transformers": "vision_models.models.clip_zero_shot:load"}
PAINTERS = {"diffusers": "vision_models.models.stable_diffusion:load"}
SEGMENTERS = {"segment-anything": "vision_models.models.sam:load"}
CAPTIONERS = {
    "blip": "vision_models.models.blip:load",
    "blip2": "vision_models.models.blip2:load",
    "gemma": "vision_models.models.gemma:load",
    "intern_vlm": "vision_models.models.intern_vlm:load",
}
CHATS = ("gemma", "intern_vlm")
"""Captioners that take several images together and answer questions."""
