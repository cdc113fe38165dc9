"""Checkpoints by path and by URL: which are taken, and how they are checked."""

import hashlib
import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from facetkit.errors import NotReady
from vision_models.models.checkpoint_file import from_source
from vision_models.models.weights import write_manifest

CONTENT = b"weights" * 50_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
OTHER = "0" * 64


@dataclass
class Origin:
    """A server of files by their paths, and what was asked of it."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=lambda: {"/models/sam.pth": CONTENT})
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def origin() -> Iterator[Origin]:
    made = Origin()

    class Files(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            content = made.files.get(self.path)
            self.send_response(200 if content else 404)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *arguments: Any) -> None:
            """Says nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,)).start()
        made.url = f"http://127.0.0.1:{server.server_port}/models/sam.pth"
        yield made
        server.shutdown()


def test_a_url_is_downloaded_once(origin: Origin, tmp_path: Path) -> None:
    models_dir = tmp_path / "models"
    found = from_source(origin.url, SHA256.upper(), models_dir)
    assert (found.name, found.model_set) == ("sam", "full")
    assert found.version.startswith(SHA256[:12])
    assert Path(found.folder).read_bytes() == CONTENT
    assert from_source(origin.url, SHA256, models_dir) == found
    assert origin.asked == ["/models/sam.pth"]


def test_a_damaged_download_is_fetched_again(origin: Origin, tmp_path: Path) -> None:
    (tmp_path / "sam.pth").write_bytes(CONTENT[:-1])
    found = from_source(origin.url, SHA256, tmp_path)
    assert Path(found.folder).read_bytes() == CONTENT


@pytest.mark.parametrize("content", [CONTENT[:-1], b"other weights"], ids=["short", "other"])
def test_what_is_not_what_it_should_be_is_not_kept(
    origin: Origin, tmp_path: Path, content: bytes
) -> None:
    origin.files["/models/sam.pth"] = content
    with pytest.raises(NotReady, match=r"sam\.pth (differs from the SHA-256|cannot be down)"):
        from_source(origin.url, SHA256, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_url_that_cannot_be_had_is_told(origin: Origin, tmp_path: Path) -> None:
    origin.files.clear()
    with pytest.raises(NotReady) as refused:
        from_source(origin.url, SHA256, tmp_path)
    assert refused.value.message == "sam.pth cannot be downloaded"
    assert list(tmp_path.iterdir()) == []


def test_a_url_needs_a_sha256_and_the_name_of_a_checkpoint(origin: Origin, tmp_path: Path) -> None:
    with pytest.raises(NotReady, match=r"sam\.pth is not downloaded without a SHA-256"):
        from_source(origin.url, "", tmp_path)
    with pytest.raises(NotReady, match=r"must end in \.pth or \.pt"):
        from_source(origin.url + "/page", SHA256, tmp_path)
    assert origin.asked == []


def test_a_file_or_its_folder_is_taken_where_it_lies(tmp_path: Path) -> None:
    file = tmp_path / "sam.pth"
    file.write_bytes(CONTENT)
    for source in (file, tmp_path):
        for sha256 in (SHA256, ""):
            found = from_source(str(source), sha256, tmp_path / "models")
            assert (found.name, found.folder) == ("sam", str(file))
            assert found.version.startswith(SHA256[:12])
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_differs_from_its_sha256_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sam.pth").write_bytes(CONTENT)
    with pytest.raises(NotReady) as refused:
        from_source(str(tmp_path / "sam.pth"), OTHER, tmp_path)
    assert refused.value.message == "sam.pth differs from the SHA-256 that is set for it"


def test_a_folder_with_a_manifest_is_checked_against_it(tmp_path: Path) -> None:
    folder = tmp_path / "my-sam"
    folder.mkdir()
    (folder / "sam.pth").write_bytes(CONTENT)
    write_manifest(folder)
    assert from_source(str(folder), "", tmp_path).name == "my-sam"
    (folder / "sam.pth").write_bytes(CONTENT[:-1])
    with pytest.raises(NotReady, match=r"sam\.pth of .* is missing or differs from its manifest"):
        from_source(str(folder), "", tmp_path)


def test_a_source_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotReady) as refused:
        from_source(str(tmp_path / "no.pth"), "", tmp_path)
    assert refused.value.message == "there is no checkpoint of no.pth"
