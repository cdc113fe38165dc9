"""What the shipped CLIP makes of combinations that training never showed.

Pictures go the way of production: encoded, decoded at reduced scale, cropped, batched.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

from facetkit.images import ImageLimits
from small_world import captions, sampling, wording
from small_world.attributes import METALS, STONES, TYPES, Piece, Scene
from small_world.captions import PIECE_FACTS, facts_of
from small_world.render import render
from vision_models.domain import Embedder, Vectors, ZeroShotModel
from vision_models.embedding_family import prepare

GALLERY = 200
GALLERIES = 5
SIDE = 224
OVERSAMPLING = 2
QUALITY = 90
BATCH = 32
SEED = 7

Prompts = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured share of right answers, and the share that it must reach."""

    name: str
    value: float
    needed: float
    counted: int

    @property
    def reached(self) -> bool:
        """Whether it is enough."""
        return self.value >= self.needed


@dataclass(frozen=True, slots=True)
class Gallery:
    """Two views each of pieces that differ in words; vectors are pieces × dimensions."""

    views: tuple[list[Scene], list[Scene]]
    vectors: tuple[Vectors, Vectors]


def evaluate(
    embedder: Embedder, zero_shot: ZeroShotModel, count: int = GALLERIES, size: int = GALLERY
) -> list[Figure]:
    """All figures, on `count` galleries of `size` held-out pieces."""
    drawn = [_gallery(embedder, *each) for each in enumerate(galleries(count, size))]
    texts = [_text_to_image(embedder, gallery) for gallery in drawn]
    images = [_image_to_image(gallery) for gallery in drawn]
    scenes = [scene for gallery in drawn for scene in gallery.views[0]]
    counted = len(scenes)
    figures = [
        Figure(f"text → image, recall@1 of {size}", float(np.mean(texts)), 0.80, counted),
        Figure(f"image → image, recall@1 of {size}", float(np.mean(images)), 0.90, counted),
    ]
    vectors = image_vectors(zero_shot, scenes)
    for name, prompts in PROMPTS.items():
        right = _classified(zero_shot, vectors, prompts) == [facts_of(s)[name] for s in scenes]
        figures.append(Figure(f"zero-shot {name}", float(np.mean(right)), 0.95, counted))
    return figures


def galleries(count: int, size: int) -> list[list[Piece]]:
    """Held-out combinations by chance; no two pieces of one gallery are alike in words."""
    random = np.random.default_rng(SEED)
    return [_distinct_pieces(size, random) for _ in range(count)]


def _distinct_pieces(size: int, random: np.random.Generator) -> list[Piece]:
    combinations = sampling.combinations(sampling.HELD_OUT)
    known: dict[tuple[object, ...], Piece] = {}
    while len(known) < size:
        combination = combinations[int(random.integers(len(combinations)))]
        piece = sampling.of_combination(combination, random)
        known.setdefault(tuple(getattr(piece, name) for name in PIECE_FACTS), piece)
    return list(known.values())


def _gallery(embedder: Embedder, number: int, pieces: list[Piece]) -> Gallery:
    random = np.random.default_rng((SEED, number))
    one, other = (
        [Scene(piece, sampling.pose(random), sampling.staging(random)) for piece in pieces]
        for _ in range(2)
    )
    return Gallery((one, other), (image_vectors(embedder, one), image_vectors(embedder, other)))


def _text_to_image(embedder: Embedder, gallery: Gallery) -> float:
    random = Random(SEED)
    texts = [captions.full(scene, random).text for scene in gallery.views[0]]
    return _first_is_own(embedder.embed_texts(texts), gallery.vectors[0])


def _image_to_image(gallery: Gallery) -> float:
    return _first_is_own(*gallery.vectors)


def _first_is_own(queries: Vectors, found: Vectors) -> float:
    nearest = (queries @ found.T).argmax(axis=1)
    return float((nearest == np.arange(len(queries))).mean())


def image_vectors(model: Embedder, scenes: Sequence[Scene]) -> Vectors:
    """Vectors of scenes that went through a file."""
    pixels = [prepare(jpeg(s), model.image_size, limits=ImageLimits()).pixels for s in scenes]
    parts = [pixels[start : start + BATCH] for start in range(0, len(pixels), BATCH)]
    return np.concatenate([model.embed_images(part) for part in parts])


def jpeg(scene: Scene) -> bytes:
    """The scene as a file."""
    buffer = io.BytesIO()
    render(scene, SIDE, OVERSAMPLING).image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def _classified(model: ZeroShotModel, images: Vectors, prompts: Prompts) -> NDArray[np.str_]:
    means = [model.embed_texts(list(texts)).mean(axis=0) for texts in prompts.values()]
    classes = np.stack([mean / np.linalg.norm(mean) for mean in means])
    named: NDArray[np.str_] = np.array(list(prompts))[(images @ classes.T).argmax(axis=1)]
    return named


def _metal(metal: str) -> list[str]:
    return [f"{opening} {metal} {noun}" for opening in ("a", "a photo of a") for noun in _NOUNS]


def _stone(stone: str) -> list[str]:
    what = "no stones" if stone == "none" else f"{stone} stones"
    return [f"{opening} {noun} with {what}" for opening in ("a", "a photo of a") for noun in _NOUNS]


def _type(type_: str) -> list[str]:
    nouns = [captions.with_article(noun) for noun in wording.TYPES[type_]]
    return [opening + noun for noun in nouns for opening in ("", "a photo of ")]


_NOUNS = ("thing", "piece")
PROMPTS: Mapping[str, Prompts] = {
    "metal": {metal: _metal(metal) for metal in METALS},
    "stone": {stone: _stone(stone) for stone in STONES},
    "type": {type_: _type(type_) for type_ in TYPES},
}
"""Per fact and value the wordings whose mean vector stands for it."""
