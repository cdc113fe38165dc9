"""A Stable Diffusion with random weights, in the layout of the hub's."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, PNDMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from vision_models.model_folder import replacing
from vision_models.random_models import byte_tokenizer


@dataclass(frozen=True, slots=True)
class PainterSizes:
    """What makes a painter large: channels per level, and on which levels there is attention."""

    latent_side: int
    context: int
    text_layers: int
    channels: tuple[int, ...]
    attention: tuple[bool, ...]
    decoder_channels: tuple[int, int, int, int]


# Attention costs the square of the pixels: none above a 32nd of the picture's side.
SMALL = PainterSizes(
    latent_side=16,
    context=32,
    text_layers=2,
    channels=(32, 64, 64),
    attention=(False, False, True),
    decoder_channels=(8, 8, 16, 16),
)


def write(folder: Path, sizes: PainterSizes = SMALL) -> None:
    """Writes the model, whole or not at all; equal on every machine."""
    torch.manual_seed(0)
    tokenizer = byte_tokenizer()
    kind: Any = StableDiffusionPipeline
    pipeline = kind(
        unet=_unet(sizes),
        vae=_vae(sizes),
        text_encoder=_text_encoder(sizes, tokenizer),
        tokenizer=tokenizer,
        scheduler=_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    with replacing(folder) as making:
        pipeline.save_pretrained(making)


def _unet(sizes: PainterSizes) -> Any:
    network: Any = UNet2DConditionModel
    down, up = (
        tuple(f"CrossAttn{kind}" if has else kind for has in sizes.attention)
        for kind in ("DownBlock2D", "UpBlock2D")
    )
    return network(
        sample_size=sizes.latent_side,
        block_out_channels=sizes.channels,
        down_block_types=down,
        up_block_types=up[::-1],
        layers_per_block=1,
        cross_attention_dim=sizes.context,
        attention_head_dim=8,
        norm_num_groups=8,
    )


def _vae(sizes: PainterSizes) -> Any:
    # Four blocks make a latent of eight pixels a side, as in Stable Diffusion.
    network: Any = AutoencoderKL
    return network(
        latent_channels=4,
        block_out_channels=sizes.decoder_channels,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        norm_num_groups=8,
        sample_size=8 * sizes.latent_side,
    )


def _text_encoder(sizes: PainterSizes, tokenizer: CLIPTokenizer) -> CLIPTextModel:
    return CLIPTextModel(
        CLIPTextConfig(
            hidden_size=sizes.context,
            intermediate_size=2 * sizes.context,
            num_hidden_layers=sizes.text_layers,
            num_attention_heads=4,
            projection_dim=sizes.context,
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
