"""A random SAM, as sam_vit_l_0b3195.pth, whose masks depend on the point and on the picture.

Drawn at random alone, SAM finds nothing or everything. So a few paths through its decoder are laid
by hand: pixels near a point learn of it, and what is near enough, by colours drawn at random, is
the mask.
"""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from vision_models.model_folder import replacing
from vision_models.models.sam_geometry import DECODER_HEADS, SamGeometry, build
from vision_models.random_captioners.drawing import draw

FILE = "sam_vit_l.pth"
GEOMETRY = SamGeometry(
    image_size=256,
    patch=8,
    width=32,
    depth=2,
    heads=4,
    mlp=64,
    global_blocks=(1,),
    window=14,
    channels=32,
    prompt_channels=16,
    decoder_depth=2,
    decoder_mlp=64,
    masks=3,
    iou_depth=3,
    iou_width=32,
)

_DIRECTIONS = 5
_HALF = GEOMETRY.channels // 2
# Channels of tokens and pixels: what is known of positions, that something is a point, that one
# is near, and colours. Positions are sines and, half of the channels on, cosines.
_LABEL, _NEAR, _COLOURS = 8, 9, range(10, 16)
_POSITIONS = [channel for i in range(_DIRECTIONS) for channel in (i, _HALF + i)]
_WAVES = 0.7
_FAINT = 0.1
_SELF, _FOCUS, _NEARNESS, _SHARPNESS = 2.0, 6.0, 3.0, 400.0
_TOKENS = 8.0
_LABELS = (-4.0, 4.0, 4.0, 4.0)
_NEAR_GAIN, _NEAR_FROM, _COLOUR_GAIN = 0.15, 3.7, 0.04
_SIZES = (1.5, 1.2, 1.6, 2.0)
"""How near is near enough, per mask."""
_IOU, _IOU_SPREAD = 0.93, 0.02


def write(folder: Path) -> None:
    """Writes the segmenter, whole or not at all; equal on every machine."""
    network = build(GEOMETRY)
    draw(network)
    with torch.no_grad():
        _place_prompts(network.prompt_encoder)
        _lay_attention(network.mask_decoder)
        _lay_masks(network.mask_decoder)
    with replacing(folder) as making:
        torch.save(dict(network.state_dict()), making / FILE)


def _place_prompts(encoder: Any) -> None:
    waves = encoder.pe_layer.positional_encoding_gaussian_matrix.zero_()
    for i in range(_DIRECTIONS):
        angle = math.pi * i / _DIRECTIONS
        waves[:, i] = torch.tensor([math.cos(angle), math.sin(angle)]) * _WAVES
    for embedding, label in zip(encoder.point_embeddings, _LABELS, strict=True):
        embedding.weight.zero_()[0, _LABEL] = label
    encoder.not_a_point_embed.weight.zero_()
    encoder.no_mask_embed.weight.zero_()


def _lay_attention(decoder: Any) -> None:
    for tokens in (decoder.iou_token, decoder.mask_tokens):
        tokens.weight.mul_(_TOKENS)
        tokens.weight[:, [*range(_HALF), *_POSITIONS]] = 0
    first = decoder.transformer.layers[0]
    for layer in decoder.transformer.layers:
        layer.mlp.lin2.weight.mul_(_FAINT)
        _lay_self_attention(layer.self_attn, mixing=layer is first)
        _lay_gathering(layer.cross_attn_token_to_image)
        _lay_nearness(layer.cross_attn_image_to_token)
    decoder.transformer.final_attn_token_to_image.out_proj.weight.mul_(_FAINT)


def _lay_self_attention(attention: Any, *, mixing: bool) -> None:
    """Every token sees mostly itself; the first layer has nothing but that to go on with."""
    same = torch.eye(GEOMETRY.channels)
    for projection, scale in (
        (attention.q_proj, _SELF),
        (attention.k_proj, _SELF),
        (attention.v_proj, 1.0),
        (attention.out_proj, float(mixing)),
    ):
        projection.weight.copy_(same * scale)


def _lay_gathering(attention: Any) -> None:
    """Points take in the colours along lines through them."""
    colours = len(_COLOURS)
    _wire(attention.q_proj, range(colours), _POSITIONS[:colours], _FOCUS)
    _wire(attention.k_proj, range(colours), _POSITIONS[:colours], _FOCUS)
    _wire(attention.v_proj, range(colours), _COLOURS, 1.0)
    _wire(attention.out_proj, _COLOURS, range(colours), 1.0)


def _lay_nearness(attention: Any) -> None:
    """Pixels hear of points that lie near, or have their colours; one head each direction."""
    heads = range(0, 2 * DECODER_HEADS, 2)
    for projection in (attention.q_proj, attention.k_proj):
        _wire(projection, range(2 * DECODER_HEADS), [*_POSITIONS, *_COLOURS], _NEARNESS)
    _wire(attention.v_proj, heads, [_LABEL] * DECODER_HEADS, 1.0)
    _wire(attention.out_proj, [_NEAR] * DECODER_HEADS, heads, _NEAR_GAIN)


def _lay_masks(decoder: Any) -> None:
    """Nearness and two mixtures of colours, each as a pair that survives the activation."""
    first, norm, _, second, _ = decoder.output_upscaling
    half = norm.weight.shape[0] // 2
    mixed = first.weight.mean((2, 3))[:, :half] * (2 * _COLOUR_GAIN / _FAINT)
    mixed[_NEAR] = torch.eye(half)[0]
    first.weight.copy_(torch.cat([mixed, -mixed], 1)[:, :, None, None].expand_as(first.weight))
    first.bias[[0, half]] = torch.tensor([-_NEAR_FROM, _NEAR_FROM])
    paired = torch.eye(half)[:, [0, 3, 1, 2]] * torch.tensor([1.0, 0.0, 1.0, 1.0])
    second.weight.copy_(torch.cat([paired, -paired])[:, :, None, None].expand_as(second.weight))
    second.bias.fill_(1)
    for i, head in enumerate(decoder.output_hypernetworks_mlps):
        head.layers[-1].weight.mul_(_FAINT)
        wanted = [1, -_SIZES[i], 0.3 * (-1) ** i, 0.3 * (-1) ** (i // 2)]
        head.layers[-1].bias.copy_(torch.tensor(wanted) * _SHARPNESS)
    head = decoder.iou_prediction_head.layers[-1]
    head.weight.mul_(_IOU_SPREAD)
    head.bias.fill_(_IOU)


def _wire(projection: Any, to: Iterable[int], of: Iterable[int], scale: float) -> None:
    """Makes each channel of `to` the one of `of`, scaled; all others are zero."""
    projection.weight.zero_()[list(to), list(of)] = scale
