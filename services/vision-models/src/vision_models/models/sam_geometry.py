"""The sizes of a SAM, read from the shapes of its weights."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from vision_models.models.sam_import import import_segment_anything

Shapes = Mapping[str, Sequence[int]]
"""The shape of every tensor, by its name."""

PIXEL_MEAN = (123.675, 116.28, 103.53)
PIXEL_STD = (58.395, 57.12, 57.375)
# Equal in every SAM, and in no shape to be seen.
DECODER_HEADS = 8
_NORM_EPSILON = 1e-6
_ENCODER, _DECODER = "image_encoder", "mask_decoder"


@dataclass(frozen=True, slots=True)
class SamGeometry:
    """What sets one SAM apart; sides in pixels, `window` in patches, 0 where no block has one."""

    image_size: int
    patch: int
    width: int
    depth: int
    heads: int
    mlp: int
    global_blocks: tuple[int, ...]
    window: int
    channels: int
    prompt_channels: int
    decoder_depth: int
    decoder_mlp: int
    masks: int
    iou_depth: int
    iou_width: int


def read_geometry(shapes: Shapes) -> SamGeometry:
    """The sizes. Raises KeyError naming what is missing, ValueError for sizes that cannot be."""
    _, grid, _, width = _shape(shapes, f"{_ENCODER}.pos_embed", 4)
    patch = _shape(shapes, f"{_ENCODER}.patch_embed.proj.weight", 4)[2]
    depth = _count(shapes, f"{_ENCODER}.blocks")
    reaches = [_shape(shapes, f"{_ENCODER}.blocks.{i}.attn.rel_pos_h", 2) for i in range(depth)]
    whole = tuple(i for i, (reach, _) in enumerate(reaches) if reach == 2 * grid - 1)
    windows = {(reach + 1) // 2 for reach, _ in reaches if reach != 2 * grid - 1}
    if len(windows) > 1 or width % reaches[0][1]:
        raise ValueError("its attention has windows or heads of different sizes")
    decoder, iou = f"{_DECODER}.transformer.layers", f"{_DECODER}.iou_prediction_head.layers"
    return SamGeometry(
        image_size=grid * patch,
        patch=patch,
        width=width,
        depth=depth,
        heads=width // reaches[0][1],
        mlp=_shape(shapes, f"{_ENCODER}.blocks.0.mlp.lin1.weight", 2)[0],
        global_blocks=whole,
        window=max(windows, default=0),
        channels=_shape(shapes, f"{_ENCODER}.neck.0.weight", 4)[0],
        prompt_channels=_shape(shapes, "prompt_encoder.mask_downscaling.3.weight", 4)[0],
        decoder_depth=_count(shapes, decoder),
        decoder_mlp=_shape(shapes, f"{decoder}.0.mlp.lin1.weight", 2)[0],
        masks=_shape(shapes, f"{_DECODER}.mask_tokens.weight", 2)[0] - 1,
        iou_depth=_count(shapes, iou),
        iou_width=_shape(shapes, f"{iou}.0.weight", 2)[0],
    )


def build(geometry: SamGeometry) -> Any:
    """The network with these sizes and the library's initial weights, ready for inference."""
    modeling = import_segment_anything().modeling
    network = modeling.Sam(
        image_encoder=_image_encoder(geometry),
        prompt_encoder=_prompt_encoder(geometry),
        mask_decoder=_mask_decoder(geometry),
        pixel_mean=list(PIXEL_MEAN),
        pixel_std=list(PIXEL_STD),
    )
    return network.eval()


def _image_encoder(geometry: SamGeometry) -> Any:
    return import_segment_anything().modeling.ImageEncoderViT(
        depth=geometry.depth,
        embed_dim=geometry.width,
        img_size=geometry.image_size,
        mlp_ratio=geometry.mlp / geometry.width,
        norm_layer=partial(torch.nn.LayerNorm, eps=_NORM_EPSILON),
        num_heads=geometry.heads,
        patch_size=geometry.patch,
        use_rel_pos=True,
        global_attn_indexes=geometry.global_blocks,
        window_size=geometry.window,
        out_chans=geometry.channels,
    )


def _prompt_encoder(geometry: SamGeometry) -> Any:
    grid, side = geometry.image_size // geometry.patch, geometry.image_size
    return import_segment_anything().modeling.PromptEncoder(
        embed_dim=geometry.channels,
        image_embedding_size=(grid, grid),
        input_image_size=(side, side),
        mask_in_chans=geometry.prompt_channels,
    )


def _mask_decoder(geometry: SamGeometry) -> Any:
    modeling = import_segment_anything().modeling
    transformer = modeling.TwoWayTransformer(
        depth=geometry.decoder_depth,
        embedding_dim=geometry.channels,
        num_heads=DECODER_HEADS,
        mlp_dim=geometry.decoder_mlp,
    )
    return modeling.MaskDecoder(
        transformer_dim=geometry.channels,
        transformer=transformer,
        num_multimask_outputs=geometry.masks,
        iou_head_depth=geometry.iou_depth,
        iou_head_hidden_dim=geometry.iou_width,
    )


def _shape(shapes: Shapes, name: str, dimensions: int) -> Sequence[int]:
    shape = shapes[name]
    if len(shape) != dimensions or not all(shape):
        raise ValueError(f"{name} has another shape")
    return shape


def _count(shapes: Shapes, prefix: str) -> int:
    """How many layers there are; a gap in their numbers is what is missing."""
    numbers = {
        int(found[1])
        for name in shapes
        if (found := re.match(rf"{re.escape(prefix)}\.(\d+)\.", name))
    }
    missing = next(number for number in range(len(numbers) + 1) if number not in numbers)
    if missing < len(numbers) or not numbers:
        raise KeyError(f"{prefix}.{missing}")
    return missing
