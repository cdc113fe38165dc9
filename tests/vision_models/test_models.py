import io
import multiprocessing
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from facetkit.errors import NotReady
from facetkit.images import ImageLimits
from tests.pictures import jpeg
from vision_models import demo, random_models
from vision_models.embedding_family import prepare
from vision_models.loading import HubModel, ModelLoader
from vision_models.models import EMBEDDERS, ZERO_SHOT_MODELS, clip, clip_zero_shot, device, weights
from vision_models.models.packed_linear import PackedLinear, pack_linears
from vision_models.models.pinned import PINNED


def random_clip(models_dir: Path) -> Path:
    return random_models.ensure(models_dir, demo.EMBEDDING)


def loader(models_dir: Path, *, is_demo: bool = True) -> ModelLoader:
    return ModelLoader(
        demo=is_demo,
        models_dir=models_dir,
        device="cpu",
        dtype="fp32",
        embedders=EMBEDDERS,
        zero_shot_models=ZERO_SHOT_MODELS,
        one_at_a_time=threading.Lock(),
    )


def test_trained_models_answer_for_the_demo_set(tmp_path: Path) -> None:
    embedder = loader(tmp_path).embedder(HubModel("unused", "unused"))
    zero_shot = loader(tmp_path).zero_shot(HubModel("unused", "unused"))
    for model in (embedder, zero_shot):
        assert model.info.model_set == "demo"
        assert model.info.name == "clip-small-world"
        assert model.info.dimensions == 512
    assert zero_shot.logit_scale > 1
    assert list(tmp_path.iterdir()) == []


def test_the_two_layouts_hold_one_model(tmp_path: Path) -> None:
    embedder = loader(tmp_path).embedder(HubModel("unused", "unused"))
    zero_shot = loader(tmp_path).zero_shot(HubModel("unused", "unused"))
    texts = ["a gold ring", "a silver key with two red stones"]
    assert np.allclose(embedder.embed_texts(texts), zero_shot.embed_texts(texts), atol=1e-5)


def test_where_no_model_is_trained_a_random_one_is_made_and_says_so(tmp_path: Path) -> None:
    recipes = {"purpose-without-a-model": demo.ZERO_SHOT}
    found = demo.weights_for("purpose-without-a-model", tmp_path, recipes)
    model = clip_zero_shot.load(found, device.place("cpu", "fp32"))
    assert model.info.model_set == "demo-random"
    assert model.info.dimensions == 768


def test_the_same_random_model_is_made_everywhere(tmp_path: Path) -> None:
    made = [random_clip(tmp_path / name) / weights.MANIFEST for name in ("one", "other")]
    assert made[0].read_text() == made[1].read_text()


def test_processes_that_make_models_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    makers = [context.Process(target=random_clip, args=(tmp_path,)) for _ in range(2)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert [maker.exitcode for maker in makers] == [0, 0]
    weights.from_folder(random_clip(tmp_path), demo.RANDOM)


@pytest.mark.parametrize("damage", ["shorten", "remove"])
def test_a_damaged_file_is_named(tmp_path: Path, damage: str) -> None:
    folder = random_clip(tmp_path)
    file = folder / "0_CLIPModel" / "model.safetensors"
    if damage == "shorten":
        file.write_bytes(file.read_bytes()[:-1])
    else:
        file.unlink()
    with pytest.raises(NotReady, match=r"model\.safetensors of .* is missing or differs"):
        weights.from_folder(folder, demo.RANDOM)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
def test_a_damaged_manifest_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / weights.MANIFEST).write_text(content)
    with pytest.raises(NotReady, match=r"the manifest of .* is damaged"):
        weights.from_folder(tmp_path, demo.TRAINED)


def test_a_folder_without_weights_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="no weights in the folder"):
        weights.from_folder(tmp_path, "full")


def test_a_folder_can_stand_in_for_a_hub_id(tmp_path: Path) -> None:
    hub = HubModel(str(random_clip(tmp_path)), "a-revision")
    embedder = loader(tmp_path, is_demo=False).embedder(hub)
    assert embedder.info.model_set == "full"
    assert embedder.info.name == "clip-ViT-B-32"


def test_weights_that_differ_from_the_pinned_ones_are_refused(tmp_path: Path) -> None:
    (model_id, revision), files = next(iter(PINNED.items()))
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes(b"not the weights")
    with pytest.raises(NotReady, match="differs from the pinned"):
        weights.check_pinned(tmp_path, model_id, revision)


def test_packed_linears_compute_the_same() -> None:
    torch.manual_seed(0)
    plain = torch.nn.Sequential(torch.nn.Linear(64, 128), torch.nn.GELU(), torch.nn.Linear(128, 8))
    plain = plain.to(torch.bfloat16).eval()
    inputs = torch.randn(2, 50, 64, dtype=torch.bfloat16)
    with torch.inference_mode():
        expected = plain(inputs)
        pack_linears(plain)
        supported = torch.ops.mkldnn._is_mkldnn_bf16_supported()
        assert isinstance(plain[0], PackedLinear) == supported
        assert torch.allclose(plain(inputs), expected, atol=1e-2)
        assert torch.allclose(plain(inputs[:1]), expected[:1], atol=1e-2)


def test_linears_in_full_precision_stay_as_they_are() -> None:
    plain = torch.nn.Sequential(torch.nn.Linear(4, 4))
    pack_linears(plain)
    assert isinstance(plain[0], torch.nn.Linear)


def test_a_precision_may_be_named_or_left_to_the_machine() -> None:
    assert device.place("cpu", "fp32").dtype is torch.float32
    assert device.place("cpu", "bf16").dtype is torch.bfloat16
    automatic = device.place("auto", "auto")
    assert automatic.dtype in (torch.float32, torch.bfloat16, torch.float16)


def test_a_device_that_is_not_there_is_named() -> None:
    with pytest.raises(NotReady, match="VISION_DEVICE=nonsense"):
        device.place("nonsense", "auto")


def test_reduced_decoding_changes_a_vector_by_little(tmp_path: Path) -> None:
    found = weights.from_folder(random_clip(tmp_path), demo.RANDOM)
    embedder = clip.load(found, device.place("cpu", "fp32"))
    large = jpeg(5, 2400, 1800)
    reduced = prepare(large, 224, limits=ImageLimits()).pixels
    whole = Image.open(io.BytesIO(large)).resize((299, 224), Image.Resampling.BICUBIC)
    square = np.asarray(whole.crop((37, 0, 261, 224)))
    vectors = embedder.embed_images([reduced, square])
    assert float(vectors[0] @ vectors[1]) > 0.999
