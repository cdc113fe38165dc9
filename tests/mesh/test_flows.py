"""What a user does with the mesh, through real processes."""

import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.mesh.running_mesh import ROOT, RunningMesh
from tests.pictures import jpeg, png

EXAMPLES = sorted((ROOT / "examples").glob("*.jpg"))


def store(http: httpx.Client, content: bytes) -> httpx.Response:
    return http.post("/api/images", files={"file": ("photo.jpg", content)})


def search(http: httpx.Client, **fields: object) -> httpx.Response:
    """A multipart search; bytes are the file."""
    files = {name: (None, str(value)) for name, value in fields.items() if name != "file"}
    if "file" in fields:
        files["file"] = ("photo.jpg", fields["file"])  # type: ignore[assignment]
    return http.post("/api/search", files=files)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_a_stored_picture_finds_itself_first(http: httpx.Client, example: Path) -> None:
    content = example.read_bytes()
    stored = store(http, content).json()
    answer = search(http, file=content).json()
    assert answer["results"][0]["key"] == stored["key"]
    assert answer["results"][0]["score"] >= 0.999
    assert answer["results"][0]["distance"] == pytest.approx(1 - answer["results"][0]["score"])
    assert answer["model_set"] == "demo"
    assert http.get(stored["url"]).content == content


def words_of(example: Path) -> str:
    """What an example's name says: metal, thing, stones."""
    named, _, stones = example.stem.replace("-stones", "").rpartition("-")
    if example.stem.endswith("-stones"):
        return f"{named.replace('-', ' ')} with {stones} stones"
    return f"{example.stem.replace('-', ' ')} without stones"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_words_find_the_picture_that_they_describe(http: httpx.Client, example: Path) -> None:
    keys = {store(http, path.read_bytes()).json()["key"]: path.stem for path in EXAMPLES}
    hits = search(http, text=words_of(example), top_k=100).json()["results"]
    assert next(keys[hit["key"]] for hit in hits if hit["key"] in keys) == example.stem


def test_a_key_finds_its_picture(http: httpx.Client) -> None:
    stored = store(http, jpeg(1)).json()
    by_key = search(http, key=stored["key"], top_k=1).json()
    assert by_key["results"][0]["key"] == stored["key"]


def test_the_same_bytes_are_stored_once(http: httpx.Client) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: store(http, png(2)), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.json()["key"] for answer in answers}) == 1


def test_pages_join_without_gaps(http: httpx.Client) -> None:
    for seed in range(10, 16):
        store(http, jpeg(seed))
    whole = search(http, text="x", top_k=6).json()["results"]
    parts = [
        search(http, text="x", top_k=2, offset=offset).json()["results"] for offset in (0, 2, 4)
    ]
    assert [hit["id"] for part in parts for hit in part] == [hit["id"] for hit in whole]


def test_upload_answers_exactly_the_seeds_fields(http: httpx.Client) -> None:
    url = store(http, jpeg(3)).json()["url"]
    answer = http.post("/upload", data={"imageUrl": url})
    assert answer.status_code == 200
    assert set(answer.json()) == {"message", "embedding"}
    assert answer.json()["message"] == "Image processed successfully"
    assert len(answer.json()["embedding"]) == 512


def test_a_deleted_picture_is_gone(http: httpx.Client) -> None:
    stored = store(http, jpeg(4)).json()
    assert http.delete("/api/images", params={"key": stored["key"]}).status_code == 204
    assert http.get(stored["url"]).status_code == 404
    assert http.delete("/api/images", params={"key": stored["key"]}).status_code == 404
    hits = search(http, file=jpeg(4), top_k=100).json()["results"]
    assert stored["key"] not in [hit["key"] for hit in hits]


def test_statistics_agree_with_the_store(http: httpx.Client) -> None:
    statistics = http.get("/api/search/statistics").json()
    assert statistics["images"] == statistics["matrix_images"]
    assert statistics["images"] == search(http, text="x").json()["total"]


def test_one_bad_image_never_hurts_another(http: httpx.Client) -> None:
    calls = [jpeg(seed) for seed in range(100, 116)]
    calls.insert(8, jpeg(999, 1600, 1200)[:20_000])
    with ThreadPoolExecutor(17) as threads:
        codes = list(threads.map(lambda content: search(http, file=content).status_code, calls))
    assert codes.pop(8) == 422
    assert codes == [200] * 16


def test_the_request_id_is_in_the_answer_and_in_every_log(
    mesh: RunningMesh, http: httpx.Client, tmp_path_factory: pytest.TempPathFactory
) -> None:
    headers = {"X-Request-ID": "trace-me-42"}
    answer = http.post("/api/search", data={"text": "logged"}, headers=headers)
    assert answer.headers["X-Request-ID"] == "trace-me-42"
    logs = Path(mesh.process_of("search").environ()["FACET_DATA_DIR"]) / "logs"
    for service in ("gateway", "search", "vision-models"):
        assert "trace-me-42" in (logs / f"{service}.log").read_text()


def test_the_printed_curl_lines_work(mesh: RunningMesh) -> None:
    lines = [line.strip() for line in mesh.lines if line.strip().startswith("curl ")]
    assert len(lines) == 3
    for line in lines:
        command = [*shlex.split(line), "--fail", "--silent", "--show-error"]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def test_what_was_stored_survives_a_restart(tmp_path: Path) -> None:
    pictures = [example.read_bytes() for example in EXAMPLES]
    keys: list[str] = []
    ports = None
    for expected in (0, len(pictures)):
        mesh = RunningMesh(tmp_path, ports=ports).wait_ready()
        ports = mesh.ports
        with httpx.Client(base_url=mesh.url, timeout=30) as http:
            assert http.get("/api/search/statistics").json()["images"] == expected
            keys = keys or [store(http, picture).json()["key"] for picture in pictures]
            found = [search(http, file=picture).json()["results"][0] for picture in pictures]
            assert [hit["key"] for hit in found] == keys
        assert mesh.stop() == 0


def test_a_wrong_setting_of_a_service_stops_the_start_with_one_line(tmp_path: Path) -> None:
    mesh = RunningMesh(tmp_path, VISION_THREADS="0")
    mesh.wait_line("cannot start: vision-models: VISION_THREADS: ")
    assert mesh.wait_end() == 1
    assert not any("Traceback" in line for line in mesh.lines)
