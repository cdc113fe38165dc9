"""Writes a captioner as the hub lays it out: one file per part of its processor."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vision_models.model_folder import replacing


@dataclass(frozen=True, slots=True)
class BuiltCaptioner:
    """A model with the parts of its processor; `settings` are what belongs to no part."""

    model: Any
    image_processor: Any
    tokenizer: Any
    settings: Mapping[str, Any]
    chat_template: str = ""


def write(folder: Path, built: BuiltCaptioner) -> None:
    """Writes the captioner with its manifest; until it is whole the old one stays."""
    with replacing(folder) as making:
        built.model.save_pretrained(making)
        built.image_processor.save_pretrained(making)
        built.tokenizer.save_pretrained(making)
        settings = json.dumps(dict(built.settings), indent=1, sort_keys=True)
        (making / "processor_config.json").write_text(settings, encoding="utf-8")
        if built.chat_template:
            (making / "chat_template.jinja").write_text(built.chat_template, encoding="utf-8")
