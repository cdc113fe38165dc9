"""SAM through segment_anything: a picture is encoded once, then asked for parts."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from vision_models.domain import ModelInfo, Pixels
from vision_models.models.device import Placement
from vision_models.models.sam_checkpoint import load_network
from vision_models.models.sam_import import import_segment_anything, nms
from vision_models.models.weights import Weights
from vision_models.segmentation_domain import (
    Candidate,
    Encoding,
    Mask,
    PointedPicture,
    PromptedPicture,
)

# Now, as other libraries: later, threads that load models would see what stands in for torchvision.
segment_anything = import_segment_anything()

POINTS_PER_BATCH, POINTS_PER_BATCH_CUDA = 16, 64
"""Each point takes three masks of the picture's size, in float32."""

_OVERLAP = 0.7
_ALL = 1.0
_STABILITY_OFFSET = 1.0


class EncodedPredictor:
    """The library's predictor for a picture that is encoded already."""

    def __init__(self, predictor: Any, encoding: Encoding) -> None:
        self._predictor = predictor
        size = (encoding.height, encoding.width)
        predictor.features, predictor.is_image_set = encoding.features, True
        predictor.original_size = size
        predictor.input_size = predictor.transform.get_preprocess_shape(
            *size, predictor.transform.target_length
        )

    def set_image(self, image: Pixels) -> None:
        """Nothing: it is set."""

    def reset_image(self) -> None:
        """Nothing: it stays."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._predictor, name)


class SamSegmenter:
    """A Segmenter over the library's predictor and its generator of masks."""

    def __init__(self, network: Any, weights: Weights, placement: Placement) -> None:
        self._network = network
        self._placement = placement
        on_cuda = placement.device.startswith("cuda")
        self.points_per_batch = POINTS_PER_BATCH_CUDA if on_cuda else POINTS_PER_BATCH
        self.image_size: int = network.image_encoder.img_size
        self.info = ModelInfo(weights.name, weights.version, weights.model_set, 0)

    def encode(self, pictures: Sequence[Pixels]) -> list[Encoding]:
        """One by one: a picture alone fills the device. Only this runs in half precision."""
        device, dtype = self._placement.device.partition(":")[0], self._placement.dtype
        half = torch.autocast(device, dtype, enabled=dtype != torch.float32)
        with torch.inference_mode(), half:
            return [self._encode(pixels) for pixels in pictures]

    def propose(self, batch: Sequence[PointedPicture]) -> list[list[Candidate]]:
        """By the generator's own thresholds for quality and stability."""
        with torch.inference_mode():
            return [self._propose(pointed) for pointed in batch]

    def distinct(self, encoding: Encoding, candidates: Sequence[Candidate]) -> list[Mask]:
        """Of boxes that overlap much only the one with the best predicted IoU."""
        boxes = torch.tensor([candidate.box for candidate in candidates]).reshape(-1, 4)
        scores = torch.tensor([candidate.predicted_iou for candidate in candidates])
        kept = [candidates[index] for index in nms(boxes, scores, _OVERLAP).tolist()]
        return [_unpacked(candidate, encoding) for candidate in kept]

    def segment(self, batch: Sequence[PromptedPicture]) -> list[list[Mask]]:
        """The decoder's three masks per prompt, the one of the best predicted IoU first."""
        with torch.inference_mode():
            return [self._segment(prompted) for prompted in batch]

    def warm_up(self) -> None:
        """One picture and one point."""
        [encoding] = self.encode([np.zeros((self.image_size, self.image_size, 3), np.uint8)])
        self.propose([PointedPicture(encoding, np.array([[0.5, 0.5]]))])

    def _encode(self, pixels: Pixels) -> Encoding:
        predictor = segment_anything.SamPredictor(self._network)
        predictor.set_image(pixels)
        height, width = pixels.shape[:2]
        return Encoding(predictor.get_image_embedding().float(), width, height)

    def _predictor(self, encoding: Encoding) -> EncodedPredictor:
        return EncodedPredictor(segment_anything.SamPredictor(self._network), encoding)

    def _propose(self, pointed: PointedPicture) -> list[Candidate]:
        generator = segment_anything.SamAutomaticMaskGenerator(
            self._network,
            points_per_side=None,
            point_grids=[pointed.points],
            points_per_batch=len(pointed.points),
            stability_score_offset=_STABILITY_OFFSET,
            # What is much the same is dropped later, among the masks of all points.
            box_nms_thresh=_ALL,
            output_mode="uncompressed_rle",
        )
        encoding = pointed.encoding
        generator.predictor = self._predictor(encoding)
        records = generator.generate(np.empty((encoding.height, encoding.width, 0), np.uint8))
        return [_candidate(record) for record in records]

    def _segment(self, prompted: PromptedPicture) -> list[Mask]:
        prompt = prompted.prompt
        points = np.array([(point.x, point.y) for point in prompt.points], float)
        labels = np.array([not point.excluded for point in prompt.points], int)
        logits, ious, _ = self._predictor(prompted.encoding).predict(
            point_coords=points if prompt.points else None,
            point_labels=labels if prompt.points else None,
            box=None if prompt.box is None else np.array(prompt.box),
            return_logits=True,
        )
        masks = [_mask(each, float(iou)) for each, iou in zip(logits, ious, strict=True)]
        return sorted(masks, key=lambda mask: mask.predicted_iou, reverse=True)


def load(weights: Weights, placement: Placement) -> SamSegmenter:
    """Loads the model from its file; touches no network. Raises NotReady for bad weights."""
    return SamSegmenter(load_network(weights).to(placement.device), weights, placement)


def _candidate(record: Any) -> Candidate:
    left, top, width, height = record["bbox"]
    return Candidate(
        runs=np.array(record["segmentation"]["counts"], np.int32),
        box=(left, top, left + width, top + height),
        predicted_iou=_share(record["predicted_iou"]),
        stability=_share(record["stability_score"]),
    )


def _unpacked(candidate: Candidate, encoding: Encoding) -> Mask:
    values = np.arange(len(candidate.runs)) % 2 == 1
    by_column = np.repeat(values, candidate.runs).reshape(encoding.width, encoding.height)
    return Mask(by_column.T, candidate.predicted_iou, candidate.stability)


def _mask(logits: Any, predicted_iou: float) -> Mask:
    """With the generator's stability: how much of it is left at a stricter threshold."""
    surely, perhaps = (int((logits > at).sum()) for at in (_STABILITY_OFFSET, -_STABILITY_OFFSET))
    return Mask(logits > 0, _share(predicted_iou), surely / perhaps if perhaps else 0.0)


def _share(score: float) -> float:
    return min(max(score, 0.0), 1.0)
