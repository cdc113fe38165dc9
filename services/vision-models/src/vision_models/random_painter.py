"""A small Stable Diffusion with random weights, in the layout of the hub's."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, PNDMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from vision_models.model_folder import replacing
from vision_models.random_models import byte_tokenizer

_LATENT_SIDE = 16
_CONTEXT = 32


def write(folder: Path) -> None:
    """Writes the model, whole or not at all; equal on every machine."""
    torch.manual_seed(0)
    tokenizer = byte_tokenizer()
    parts: dict[str, Any] = {
        "unet": _unet(),
        "vae": _vae(),
        "text_encoder": _text_encoder(tokenizer),
        "tokenizer": tokenizer,
        "scheduler": _scheduler(),
    }
    with replacing(folder) as making:
        for name, part in parts.items():
            part.save_pretrained(making / name)
        text = json.dumps(_index(parts), indent=1)
        (making / "model_index.json").write_text(text, encoding="utf-8")


def _index(parts: Mapping[str, Any]) -> dict[str, Any]:
    kinds = {
        name: [type(part).__module__.partition(".")[0], type(part).__name__]
        for name, part in parts.items()
    }
    return {"_class_name": StableDiffusionPipeline.__name__, **kinds}


def _unet() -> Any:
    network: Any = UNet2DConditionModel
    # Attention costs the square of the pixels: none above a 32nd of the picture's side.
    return network(
        sample_size=_LATENT_SIDE,
        block_out_channels=(32, 64, 64),
        down_block_types=("DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
        layers_per_block=1,
        cross_attention_dim=_CONTEXT,
        attention_head_dim=8,
        norm_num_groups=8,
    )


def _vae() -> Any:
    network: Any = AutoencoderKL
    # Four blocks make a latent of eight pixels a side, as in Stable Diffusion.
    return network(
        latent_channels=4,
        block_out_channels=(8, 8, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        norm_num_groups=8,
        sample_size=8 * _LATENT_SIDE,
    )


def _text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    return CLIPTextModel(
        CLIPTextConfig(
            hidden_size=_CONTEXT,
            intermediate_size=2 * _CONTEXT,
            num_hidden_layers=2,
            num_attention_heads=4,
            projection_dim=_CONTEXT,
            vocab_size=len(tokenizer),
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def _scheduler() -> Any:
    scheduler: Any = PNDMScheduler
    return scheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        skip_prk_steps=True,
        steps_offset=1,
    )
