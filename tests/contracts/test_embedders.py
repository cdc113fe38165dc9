"""One contract for every embedder: the real ones on small models, and the fake."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tests.vision_models.fakes import FakeEmbedder
from vision_models import demo, random_models
from vision_models.domain import Pixels, ZeroShotModel
from vision_models.models import clip, clip_zero_shot, device, weights

Make = Callable[[], object]


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@cache
def load(models_dir: Path, kind: str, dtype: str) -> object:
    if kind == "fake":
        return FakeEmbedder()
    purpose, module = {
        "sentence-transformers": ("embedding", clip),
        "transformers": ("zero-shot", clip_zero_shot),
    }[kind.removesuffix("-random")]
    if kind.endswith("-random"):
        folder = random_models.ensure(models_dir, demo.RECIPES[purpose])
        found = weights.from_folder(folder, demo.RANDOM)
    else:
        found = demo.weights_for(purpose, models_dir)
    return module.load(found, device.place("cpu", dtype))


@pytest.fixture(
    params=[
        ("fake", "fp32"),
        ("sentence-transformers", "fp32"),
        ("sentence-transformers", "bf16"),
        ("transformers", "fp32"),
        ("transformers", "bf16"),
        ("sentence-transformers-random", "fp32"),
        ("transformers-random", "fp32"),
    ],
    ids="-".join,
)
def embedder(request: pytest.FixtureRequest, models_dir: Path) -> ZeroShotModel:
    made: ZeroShotModel = load(models_dir, *request.param)  # type: ignore[assignment]
    return made


def pixels(seed: int, side: int) -> Pixels:
    random = np.random.default_rng(seed)
    made: Pixels = random.integers(0, 255, (side, side, 3), dtype=np.uint8)
    return made


def test_vectors_have_norm_one_and_the_promised_length(embedder: ZeroShotModel) -> None:
    images = [pixels(seed, embedder.image_size) for seed in range(3)]
    for vectors in (embedder.embed_images(images), embedder.embed_texts(["a", "b c", "d"])):
        assert vectors.shape == (3, embedder.info.dimensions)
        assert vectors.dtype == np.float32
        assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 1], abs=1e-3)


def test_a_batch_equals_its_items_alone(embedder: ZeroShotModel) -> None:
    images = [pixels(seed, embedder.image_size) for seed in range(5)]
    together = embedder.embed_images(images)
    alone = np.concatenate([embedder.embed_images([image]) for image in images])
    assert (together * alone).sum(axis=1) == pytest.approx([1] * 5, abs=2e-3)
    texts = ["a ring", "a much longer text about a golden necklace", "x"]
    together = embedder.embed_texts(texts)
    alone = np.concatenate([embedder.embed_texts([text]) for text in texts])
    assert (together * alone).sum(axis=1) == pytest.approx([1] * 3, abs=2e-3)


def test_different_inputs_give_different_vectors(embedder: ZeroShotModel) -> None:
    images = embedder.embed_images([pixels(seed, embedder.image_size) for seed in range(2)])
    assert float(images[0] @ images[1]) < 0.999
    texts = embedder.embed_texts(["a ring", "a dog"])
    assert float(texts[0] @ texts[1]) < 0.999


def test_a_text_over_the_models_length_is_cut(embedder: ZeroShotModel) -> None:
    vectors = embedder.embed_texts(["word " * 300])
    assert vectors.shape == (1, embedder.info.dimensions)


def test_warm_up_runs(embedder: ZeroShotModel) -> None:
    embedder.warm_up()


def test_precisions_agree(models_dir: Path) -> None:
    fp32 = load(models_dir, "sentence-transformers", "fp32")
    bf16 = load(models_dir, "sentence-transformers", "bf16")
    assert isinstance(fp32, clip.ClipEmbedder)
    assert isinstance(bf16, clip.ClipEmbedder)
    images = [pixels(seed, fp32.image_size) for seed in range(4)]
    cosines = (fp32.embed_images(images) * bf16.embed_images(images)).sum(axis=1)
    assert cosines.min() > 0.999
