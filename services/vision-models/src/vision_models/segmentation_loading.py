"""The segmentation model: which weights it has, and how it comes into memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from facetkit import registry
from vision_models.segmentation_domain import Segmenter

LIBRARY = "segment-anything"


@dataclass(frozen=True, slots=True)
class SegmenterLoader:
    """What loading needs to know; as ModelLoader, whose lock it shares.

    `source` is a checkpoint's URL, file or folder; `sha256` is empty where it is not checked.
    """

    demo: bool
    models_dir: Path
    device: str
    dtype: str
    segmenters: Mapping[str, str]
    source: str
    sha256: str
    one_at_a_time: Lock

    def load(self) -> Segmenter:
        """The segmentation model, loaded and warm. Raises NotReady with the reason."""
        from vision_models import demo
        from vision_models.models import checkpoint_file, device

        # Outside the lock: a download takes as long as it takes.
        found = None
        if not self.demo:
            found = checkpoint_file.from_source(self.source, self.sha256, self.models_dir)
        placement = device.place(self.device, self.dtype)
        load = registry.load(self.segmenters, LIBRARY)
        with self.one_at_a_time:
            found = found or demo.weights_for("segmentation", self.models_dir)
            segmenter: Segmenter = load(found, placement)
            segmenter.warm_up()
        return segmenter
