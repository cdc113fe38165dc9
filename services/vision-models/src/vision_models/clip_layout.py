"""Writes a CLIP as the hub lays it out: plain, or with sentence-transformers round it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from transformers import CLIPImageProcessorPil, CLIPModel, CLIPTokenizer

from vision_models.model_folder import replacing
from vision_models.models.weights import write_manifest

INNER = "0_CLIPModel"
"""The plain layout's folder within the one of sentence-transformers."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A CLIP with what it reads pictures and texts by; `merges` are the tokenizer's."""

    model: CLIPModel
    tokenizer: CLIPTokenizer
    merges: Sequence[tuple[str, str]]
    image_size: int


def write(folder: Path, clip: Clip, *, sentence_transformers: bool) -> None:
    """Writes the model with its manifest; until it is whole the old one stays."""
    with replacing(folder) as making:
        inner = making / INNER if sentence_transformers else making
        clip.model.save_pretrained(inner)
        _write_processor(inner, clip)
        if sentence_transformers:
            write_manifest(inner)
            module = {"idx": 0, "name": "0", "path": INNER}
            module["type"] = "sentence_transformers.models.CLIPModel"
            (making / "modules.json").write_text(json.dumps([module]), encoding="utf-8")


def _write_processor(folder: Path, clip: Clip) -> None:
    # The files of the hub's CLIPs; what save_pretrained writes today is named differently.
    side = {"height": clip.image_size, "width": clip.image_size}
    processor = CLIPImageProcessorPil(size={"shortest_edge": clip.image_size}, crop_size=side)
    processor.save_pretrained(folder)
    length = clip.tokenizer.model_max_length
    settings = {"tokenizer_class": "CLIPTokenizer", "model_max_length": length}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    vocab = json.dumps(clip.tokenizer.get_vocab(), sort_keys=True)
    (folder / "vocab.json").write_text(vocab, encoding="utf-8")
    merges = "".join(f"{first} {second}\n" for first, second in clip.merges)
    (folder / "merges.txt").write_text("#version: 0.2\n" + merges, encoding="utf-8")
