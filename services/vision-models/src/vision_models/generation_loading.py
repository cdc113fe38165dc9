"""Finds the painter's weights and loads it, warm, by its registry."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from facetkit import registry
from vision_models.generation_domain import Painter
from vision_models.loading import HubModel


@dataclass(frozen=True, slots=True)
class PainterLoader:
    """What loading needs to know; as ModelLoader, whose lock it shares."""

    demo: bool
    models_dir: Path
    device: str
    dtype: str
    safety_checker: bool
    painters: Mapping[str, str]
    hub: HubModel
    one_at_a_time: Lock

    def load(self) -> Painter:
        """The painter, loaded and warm. Raises NotReady with the reason."""
        from vision_models import demo
        from vision_models.models import device, weights

        files = weights.DIFFUSION_FILES
        found = None if self.demo else weights.from_hub(*self.hub.source, files=files)
        placement = device.place(self.device, self.dtype)
        load = registry.load(self.painters, "diffusers")
        with self.one_at_a_time:
            found = found or demo.weights_for("generation", self.models_dir)
            painter: Painter = load(found, placement, safety_checker=self.safety_checker)
            painter.warm_up()
        return painter
