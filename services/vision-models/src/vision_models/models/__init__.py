"""The models by name: one line per model, imported on use."""

EMBEDDERS = {"sentence-transformers": "vision_models.models.clip:load"}
ZERO_SHOT_MODELS = {"transformers": "vision_models.models.clip_zero_shot:load"}
