import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file
from transformers import BlipImageProcessorPil

from facetkit.errors import NotReady
from tests.contracts.captioners import load_from
from vision_models import demo, random_models
from vision_models.models import CAPTIONERS, weights
from vision_models.random_captioners.layout import BuiltCaptioner
from vision_models.random_captioners.recipe import CaptionerRecipe

KINDS = list(CAPTIONERS)
MAX_BYTES = 1_000_000


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp() / "captioners"


def test_other_processes_make_the_same_bytes(models_dir: Path, tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from vision_models import demo, random_models\n"
        f"for kind in {KINDS}: random_models.ensure(Path(sys.argv[1]), demo.RECIPES[kind])"
    )
    environment = {"PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, env=environment)
    for kind in KINDS:
        here, there = (
            random_models.ensure(folder, demo.RECIPES[kind]) for folder in (models_dir, tmp_path)
        )
        assert (here / weights.MANIFEST).read_text() == (there / weights.MANIFEST).read_text()


@pytest.mark.parametrize("kind", KINDS)
def test_the_demo_set_says_that_they_are_random(models_dir: Path, kind: str) -> None:
    found = demo.weights_for(kind, models_dir)
    assert found.model_set == "demo-random"
    assert found.name == demo.RECIPES[kind].name


@pytest.mark.parametrize("kind", KINDS)
def test_they_are_small(models_dir: Path, kind: str) -> None:
    folder = random_models.ensure(models_dir, demo.RECIPES[kind])
    assert sum(path.stat().st_size for path in folder.rglob("*")) < MAX_BYTES


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("damage", ["shorten", "remove"])
def test_a_damaged_file_is_named(tmp_path: Path, kind: str, damage: str) -> None:
    folder = random_models.ensure(tmp_path, demo.RECIPES[kind])
    for file in ("model.safetensors", "preprocessor_config.json"):
        whole = (folder / file).read_bytes()
        if damage == "shorten":
            (folder / file).write_bytes(whole[:-1])
        else:
            (folder / file).unlink()
        with pytest.raises(NotReady, match=rf"{file} of .* is missing or differs"):
            demo.weights_for(kind, tmp_path)
        (folder / file).write_bytes(whole)


@pytest.mark.parametrize("kind", KINDS)
def test_a_part_that_the_weights_lack_is_named(tmp_path: Path, kind: str) -> None:
    folder = random_models.ensure(tmp_path, demo.RECIPES[kind])
    file = folder / "model.safetensors"
    tensors = load_file(file)
    del tensors[min(tensors)]
    save_file(tensors, file, metadata={"format": "pt"})
    with pytest.raises(NotReady, match=rf"the weights of {folder.name} lack \w+"):
        load_from(folder, kind)


def build_without_tokenizer() -> BuiltCaptioner:
    """What fails after its first files are written."""
    return BuiltCaptioner(BlipImageProcessorPil(), BlipImageProcessorPil(), None, {})


def test_what_cannot_be_written_whole_leaves_nothing(tmp_path: Path) -> None:
    recipe = CaptionerRecipe("never", f"{__name__}:build_without_tokenizer")
    with pytest.raises(AttributeError):
        random_models.ensure(tmp_path, recipe)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["random.lock"]
