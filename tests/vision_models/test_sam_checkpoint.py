"""Checkpoints of SAM in every size, and broken ones."""

import pickle
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch

from facetkit.errors import NotReady
from vision_models import demo, random_models
from vision_models.models import sam_checkpoint, sam_geometry
from vision_models.models.sam_import import import_segment_anything
from vision_models.models.weights import Weights
from vision_models.random_captioners.drawing import draw
from vision_models.random_segmenter import FILE, GEOMETRY

Tensors = dict[str, torch.Tensor]
PATCHES = "image_encoder.patch_embed.proj.weight"
SIZES = {
    "vit_b": (768, 12, 12, (2, 5, 8, 11)),
    "vit_l": (1024, 24, 16, (5, 11, 17, 23)),
    "vit_h": (1280, 32, 16, (7, 15, 23, 31)),
}


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    models_dir = tmp_path_factory.getbasetemp() / "segmenters"
    return random_models.ensure(models_dir, demo.RECIPES["segmentation"]) / FILE


def tensors_of(checkpoint: Path) -> Tensors:
    read: Tensors = torch.load(checkpoint, weights_only=True)
    return read


def load(place: Path) -> Any:
    return sam_checkpoint.load_network(Weights("a-sam", str(place), "full", "1"))


def registered(kind: str) -> Any:
    """The library's own network of this size, without its gigabytes."""
    with torch.device("meta"):
        return import_segment_anything().sam_model_registry[kind]()


@pytest.mark.parametrize("kind", SIZES)
def test_the_librarys_sizes_are_read_from_their_weights(kind: str) -> None:
    network = registered(kind)
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    geometry = sam_geometry.read_geometry(shapes)
    read = (geometry.width, geometry.depth, geometry.heads, geometry.global_blocks)
    assert read == SIZES[kind]
    assert (geometry.image_size, geometry.window) == (1024, 14)
    with torch.device("meta"):
        built = sam_geometry.build(geometry)
    assert repr(built) == repr(network)
    assert {name: tuple(tensor.shape) for name, tensor in built.state_dict().items()} == shapes
    heads = [block.attn.num_heads for block in built.image_encoder.blocks]
    assert heads == [block.attn.num_heads for block in network.image_encoder.blocks]
    windows = [block.window_size for block in built.image_encoder.blocks]
    assert windows == [block.window_size for block in network.image_encoder.blocks]


def test_a_network_built_anew_computes_what_the_librarys_does(tmp_path: Path) -> None:
    import_segment_anything()
    # The library's one way to other sizes: everything but the encoder is that of the real ones.
    build_sam = import_module("segment_anything.build_sam")._build_sam
    network = build_sam(32, 2, 4, []).requires_grad_(False)
    draw(network)
    torch.save(network.state_dict(), tmp_path / "tiny.pth")
    loaded = load(tmp_path)
    assert loaded.image_encoder.img_size == 1024
    assert torch.equal(loaded.pixel_mean, network.pixel_mean)
    assert torch.equal(loaded.pixel_std, network.pixel_std)
    picture = torch.rand(1, 3, 1024, 1024)
    with torch.inference_mode():
        assert torch.equal(loaded.image_encoder(picture), network.image_encoder(picture))


def test_the_random_segmenter_is_read_as_it_was_made(checkpoint: Path) -> None:
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors_of(checkpoint).items()}
    assert sam_geometry.read_geometry(shapes) == GEOMETRY
    network = load(checkpoint)
    for name, tensor in tensors_of(checkpoint).items():
        assert torch.equal(network.state_dict()[name], tensor)


def test_a_checkpoint_may_be_of_half_precision_or_in_the_old_form(
    checkpoint: Path, tmp_path: Path
) -> None:
    halves = {name: tensor.half() for name, tensor in tensors_of(checkpoint).items()}
    torch.save(halves, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    network = load(tmp_path / "old.pt")
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}


def test_a_file_that_is_overwritten_does_not_change_what_is_loaded(
    checkpoint: Path, tmp_path: Path
) -> None:
    file = tmp_path / "sam.pth"
    file.write_bytes(checkpoint.read_bytes())
    network = load(file)
    file.write_bytes(bytes(len(file.read_bytes())))
    assert torch.equal(network.state_dict()[PATCHES], tensors_of(checkpoint)[PATCHES])


def without_patches(tensors: Tensors) -> Any:
    del tensors[PATCHES]
    return tensors


def without_a_block(tensors: Tensors) -> Any:
    return {name: each for name, each in tensors.items() if "encoder.blocks.0" not in name}


def without_a_bias(tensors: Tensors) -> Any:
    del tensors["mask_decoder.output_upscaling.1.bias"]
    return tensors


def with_more(tensors: Tensors) -> Any:
    return tensors | {"image_encoder.head.weight": torch.zeros(1)}


def with_another_shape(tensors: Tensors) -> Any:
    name = "mask_decoder.output_upscaling.0.weight"
    return tensors | {name: tensors[name][:, 1:].clone()}


def with_flat_patches(tensors: Tensors) -> Any:
    return tensors | {PATCHES: tensors[PATCHES].flatten()}


def with_windows_of_two_sizes(tensors: Tensors) -> Any:
    more = {
        name.replace("blocks.0", "blocks.2"): each
        for name, each in tensors.items()
        if "encoder.blocks.0" in name
    }
    more["image_encoder.blocks.2.attn.rel_pos_h"] = torch.zeros(9, 8)
    return tensors | more


def with_heads_that_do_not_fit(tensors: Tensors) -> Any:
    name = "image_encoder.blocks.0.attn.rel_pos_h"
    return tensors | {name: torch.zeros(len(tensors[name]), 7)}


def with_numbers(tensors: Tensors) -> Any:
    return tensors | {PATCHES: 7}


def with_whole_numbers(tensors: Tensors) -> Any:
    return tensors | {PATCHES: tensors[PATCHES].to(torch.int8)}


def with_a_number_as_name(tensors: Tensors) -> Any:
    return tensors | {7: tensors[PATCHES]}


def as_list(tensors: Tensors) -> Any:
    return list(tensors.values())


def as_training_state(tensors: Tensors) -> Any:
    return {"model": tensors, "epoch": 3}


BROKEN: dict[str, tuple[Callable[[Tensors], Any], str]] = {
    "lacks": (without_patches, f"the checkpoint of a-sam lacks {PATCHES}"),
    "block": (without_a_block, "the checkpoint of a-sam lacks image_encoder.blocks.0"),
    "bias": (without_a_bias, "lacks mask_decoder.output_upscaling.1.bias"),
    "more": (with_more, "holds what SAM has not: image_encoder.head.weight"),
    "shape": (with_another_shape, "mask_decoder.output_upscaling.0.weight in the checkpoint of"),
    "flat": (with_flat_patches, "the sizes in the checkpoint of a-sam are no SAM's"),
    "windows": (with_windows_of_two_sizes, "the sizes in the checkpoint of a-sam are no SAM's"),
    "heads": (with_heads_that_do_not_fit, "the sizes in the checkpoint of a-sam are no SAM's"),
    "numbers": (with_numbers, f"holds more than tensors: {PATCHES}"),
    "whole numbers": (with_whole_numbers, f"holds more than tensors: {PATCHES}"),
    "name": (with_a_number_as_name, "holds more than tensors: 7"),
    "list": (as_list, "holds no weights by name"),
    "training": (as_training_state, "holds more than tensors: model"),
}


@pytest.mark.parametrize(("spoil", "told"), BROKEN.values(), ids=BROKEN)
def test_what_is_wrong_with_the_weights_is_told(
    checkpoint: Path, tmp_path: Path, spoil: Callable[[Tensors], Any], told: str
) -> None:
    torch.save(spoil(tensors_of(checkpoint)), tmp_path / "broken.pth")
    with pytest.raises(NotReady) as refused:
        load(tmp_path)
    assert told in refused.value.message
    assert str(tmp_path) not in refused.value.message


class Malicious:
    """What would touch a file when it is read."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._file,)


def test_nothing_in_a_checkpoint_is_run(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    torch.save({PATCHES: Malicious(touched)}, tmp_path / "evil.pth")
    with pytest.raises(NotReady, match="the checkpoint of a-sam is damaged or holds more than"):
        load(tmp_path / "evil.pth")
    (tmp_path / "bare.pth").write_bytes(pickle.dumps(Malicious(touched), protocol=2))
    with pytest.raises(NotReady, match="the checkpoint of a-sam"):
        load(tmp_path / "bare.pth")
    assert not touched.exists()


@pytest.mark.parametrize("size", [0, 1, 100, 5000, -1000, -1])
def test_a_file_that_ends_early_is_told(checkpoint: Path, tmp_path: Path, size: int) -> None:
    (tmp_path / "short.pth").write_bytes(checkpoint.read_bytes()[:size])
    with pytest.raises(NotReady, match="the checkpoint of a-sam is damaged"):
        load(tmp_path)


@pytest.mark.parametrize("content", [b"hello", b"\x80\x02.", b"\x80\x02]s.", b"\x80\x02h\x07."])
def test_a_file_that_is_no_checkpoint_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "other.pth").write_bytes(content)
    with pytest.raises(NotReady, match="the checkpoint of a-sam is damaged"):
        load(tmp_path)


@pytest.mark.parametrize("names", [(), ("a.txt",), ("a.pth", "b.pt")], ids=str)
def test_a_folder_must_hold_one_checkpoint(tmp_path: Path, names: tuple[str, ...]) -> None:
    for name in names:
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(NotReady, match=r"the folder of a-sam must hold one \.pth or \.pt file"):
        load(tmp_path)


def test_a_checkpoint_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="there is no checkpoint of a-sam"):
        load(tmp_path / "nowhere.pth")
