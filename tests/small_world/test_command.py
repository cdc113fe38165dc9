import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "small_world", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_pictures_masks_and_descriptions_are_written(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "pictures"
    assert run("--to", str(folder), "--count", "2", "--side", "64").returncode == 0
    lines = [json.loads(line) for line in (folder / "descriptions.jsonl").read_text().splitlines()]
    assert [line["file"] for line in lines] == ["00000.jpg", "00001.jpg"]
    for line in lines:
        assert len(line["stone_boxes"]) == line["piece"]["stone_count"]
        assert len(line["captions"]) == 5
        mask = Image.open(folder / "masks" / line["file"].replace("jpg", "png"))
        assert list(mask.getbbox() or ()) == line["box"]


@pytest.mark.parametrize(
    "wrong",
    [("--count", "0"), ("--side", "5"), ("--side", "x"), ("--first", "-1"), ("--split", "none")],
    ids="=".join,
)
def test_a_wrong_argument_is_named_and_nothing_written(
    tmp_path: Path, wrong: tuple[str, str]
) -> None:
    done = run("--to", str(tmp_path / "pictures"), *wrong)
    assert done.returncode == 2
    assert f"argument {wrong[0]}" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_already_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    for to in (tmp_path, file, file / "below"):
        done = run("--to", str(to), "--count", "1")
        assert done.returncode == 2
        assert "--to" in done.stderr
        assert "Traceback" not in done.stderr
    assert file.read_text() == "mine"
