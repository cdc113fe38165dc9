"""Answers with masks as JSON: millions of numbers, written without an object for each."""

from binascii import b2a_base64
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from pydantic_core import to_json

from gateway.vision.analysis_schemas import PartAnswer
from gateway.vision.clip_analysis import BEST_CONCEPTS, ClipAnalysis
from gateway.vision.clip_schemas import ClipAnalysisAnswer
from gateway.vision.mask_forms import Size, mask_array, nested_json, reduced_size
from gateway.vision.overlay import drawn_over, png, reduced_picture
from gateway.vision.segmentation_domain import Mask, Segmentation

LONGEST_MASK_SIDE = 256

MaskForm = Callable[[Mask, Size], bytes]
"""A mask over a picture of a height and width, as JSON."""


def nested(mask: Mask, size: Size) -> bytes:
    """Rows of 0 and 1, reduced to LONGEST_MASK_SIDE."""
    return nested_json(mask_array(mask.counts, size, reduced_size(size, LONGEST_MASK_SIDE)))


def run_lengths(mask: Mask, size: Size) -> bytes:
    """COCO's uncompressed run lengths, in full resolution."""
    return to_json({"size": size, "counts": list(mask.counts)})


def analyze_json(
    request_id: str,
    image: bytes,
    segmentation: Segmentation,
    analysis: ClipAnalysis,
    form: MaskForm,
) -> bytes:
    """AnalyzeAnswer as JSON. Raises as facetkit.images.decode."""
    return _object(
        request_id=to_json(request_id),
        generated_image=b'"' + b2a_base64(_overlay(image, segmentation), newline=False) + b'"',
        clip_analysis=to_json(ClipAnalysisAnswer.of(analysis)),
        top_concepts=to_json(analysis.concepts[:BEST_CONCEPTS]),
        basic_segmentation=_object(**_masks(segmentation, form)),
        **_sizes(segmentation),
        models=to_json({"segmentation": segmentation.model, "analysis": analysis.model}),
        model_set=to_json(segmentation.model_set),
    )


def segment_json(request_id: str, segmentation: Segmentation, form: MaskForm) -> bytes:
    """SegmentAnswer as JSON."""
    return _object(
        request_id=to_json(request_id),
        **_masks(segmentation, form),
        **_sizes(segmentation),
        encoding_reused=to_json(segmentation.encoding_reused),
        model=to_json(segmentation.model),
        model_set=to_json(segmentation.model_set),
    )


def _overlay(image: bytes, segmentation: Segmentation) -> bytes:
    picture = reduced_picture(image)
    size, reduced = _size(segmentation), (picture.height, picture.width)
    masks = (mask_array(mask.counts, size, reduced) for mask in segmentation.masks)
    return png(drawn_over(picture, masks))


def _masks(segmentation: Segmentation, form: MaskForm) -> Mapping[str, bytes]:
    size, masks = _size(segmentation), segmentation.masks
    return {
        "masks": _array(form(mask, size) for mask in masks),
        "polygons": _array(_ring(mask.outer) for mask in masks),
        "holes": _array(_array(map(_ring, mask.holes)) for mask in masks),
        "segments": to_json([PartAnswer.of(mask) for mask in masks]),
    }


def _sizes(segmentation: Segmentation) -> Mapping[str, bytes]:
    return {
        "mask_size": to_json(reduced_size(_size(segmentation), LONGEST_MASK_SIDE)),
        "width": to_json(segmentation.width),
        "height": to_json(segmentation.height),
    }


def _size(segmentation: Segmentation) -> Size:
    return segmentation.height, segmentation.width


def _ring(coordinates: Sequence[float]) -> bytes:
    ring = np.fromiter(coordinates, np.float64, len(coordinates)).round(2)
    return to_json(ring.reshape(-1, 2).tolist())


def _array(items: Iterable[bytes]) -> bytes:
    return b"[" + b",".join(items) + b"]"


def _object(**members: bytes) -> bytes:
    return b"{" + b",".join(to_json(name) + b":" + value for name, value in members.items()) + b"}"
