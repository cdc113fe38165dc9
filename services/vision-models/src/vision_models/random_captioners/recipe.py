"""Which random captioner is made, and by what."""

from dataclasses import dataclass
from pathlib import Path

from facetkit import registry


@dataclass(frozen=True, slots=True)
class CaptionerRecipe:
    """A captioner's name, and the function that builds it as "module:function"."""

    name: str
    builder: str

    def make(self, folder: Path) -> None:
        """Writes the captioner, whole or not at all; equal on every machine."""
        # Imported here: whoever only knows the recipe needs neither torch nor four architectures.
        from vision_models.random_captioners import layout

        build = registry.load({self.name: self.builder}, self.name)
        layout.write(folder, build())
