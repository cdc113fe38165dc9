"""What the store in a folder does beyond the contract of all stores."""

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from facetkit.errors import Conflict, NotFound, NotReady, Unavailable
from facetkit.local_listing import FolderListing
from facetkit.local_objects import LocalObjectStore
from tests.contracts.storing import JPEG, keys, put

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


async def test_the_etag_changes_with_every_version(local: LocalObjectStore) -> None:
    etags = set()
    for content in (b"one", b"one", b"two", b"one"):
        etags.add((await local.put("a.jpg", content, content_type=JPEG)).etag)
    assert len(etags) == 4


async def test_keys_below_other_keys_conflict(local: LocalObjectStore) -> None:
    await put(local, "a/b", "c/d/e")
    for key in ("a/b/c", "a/b/c/d", "c", "c/d"):
        for if_absent in (False, True):
            with pytest.raises(Conflict):
                await local.put(key, b"x", content_type=JPEG, if_absent=if_absent)
    assert await keys(local) == ["a/b", "c/d/e"]


async def test_nothing_is_left_of_a_write_whose_condition_fails(
    local: LocalObjectStore, root: Path
) -> None:
    await put(local, "a/b")
    for key in ("a/b", "c/d"):
        with pytest.raises(Conflict):
            await local.put(key, b"y", content_type=JPEG, if_match="other")
    assert not (root / "c").exists()
    assert list((root / ".facet-tmp").iterdir()) == []


def run(script: str, *arguments: object, before: str = "") -> "subprocess.Popen[str]":
    prelude = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from facetkit.errors import AlreadyExists, Conflict, Unavailable\n"
        "from facetkit.local_objects import LocalObjectStore\n"
        "store = LocalObjectStore(Path(sys.argv[1]))\n"
    )
    command = [*before.split(), sys.executable, "-c", prelude + script, *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=ENVIRONMENT, stdin=pipe, stdout=pipe, text=True)


def let_go(processes: list["subprocess.Popen[str]"]) -> None:
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()


RACER = """
async def main():
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(40):
        key = f"images/{number % 4}/{number}.jpg"
        try:
            await store.put(key, sys.argv[2].encode(), content_type="image/jpeg", if_absent=True)
            print(key)
        except AlreadyExists:
            pass
asyncio.run(main())
"""


async def test_of_racing_processes_one_wins_each_key(local: LocalObjectStore, root: Path) -> None:
    racers = [run(RACER, root, number) for number in range(5)]
    let_go(racers)
    won = {
        (key, str(number))
        for number, racer in enumerate(racers)
        for key in racer.communicate()[0].split()
    }
    stored = {(key, (await local.get(key)).content.decode()) for key in await keys(local)}
    assert len(stored) == 40
    assert won == stored


COUNTER = """
async def main():
    print("ready", flush=True)
    sys.stdin.readline()
    done = 0
    while done < 50:
        stored = await store.get("count")
        content = b"%d" % (int(stored.content) + 1)
        try:
            await store.put(
                "count", content, content_type="image/jpeg", if_match=stored.info.etag
            )
            done += 1
        except Conflict:
            pass
asyncio.run(main())
"""


async def test_no_update_of_racing_processes_is_lost(local: LocalObjectStore, root: Path) -> None:
    await put(local, "count", content=b"0")
    counters = [run(COUNTER, root) for _ in range(4)]
    let_go(counters)
    assert [counter.communicate()[0] for counter in counters] == [""] * 4
    assert (await local.get("count")).content == b"200"


WRITER = """
async def main():
    number = 0
    while True:
        content = bytes([number % 251]) * (1 << 20)
        key = f"a/{number % 3}/b.jpg"
        if number % 2:
            await store.delete(key)
        await store.put(key, content, content_type="image/jpeg")
        number += 1
        print(number, flush=True)
asyncio.run(main())
"""


async def test_a_killed_writer_leaves_only_whole_objects(
    local: LocalObjectStore, root: Path
) -> None:
    for kept in range(1, 9):
        with run(WRITER, root) as writer:
            assert writer.stdout
            for _ in range(kept):
                writer.stdout.readline()
            await asyncio.sleep(kept * 0.0007)
            writer.kill()
        for key in await keys(local):
            content = (await local.get(key)).content
            assert len(content) == 1 << 20
            assert len(set(content)) == 1
    assert await keys(local)


FILLER = """
async def main():
    await store.put("a", b"x" * 40_000, content_type="image/jpeg")
    for if_absent in (False, True):
        try:
            await store.put("b/c", b"y" * 80_000, content_type="image/jpeg", if_absent=if_absent)
        except Unavailable as error:
            print(error.message)
    print([i.key async for page in store.pages() for i in page], len([*store._root.rglob("*")]))
asyncio.run(main())
"""


async def test_a_full_disk_is_unavailable_and_leaves_nothing(tmp_path: Path) -> None:
    inner = f'mount -t tmpfs -o size=96k none {tmp_path} && exec "$@"'
    wrapped = ["unshare", "-Urm", "sh", "-c", f"mount -t tmpfs -o size=96k none {tmp_path}"]
    if subprocess.run(wrapped, capture_output=True, check=False).returncode:
        pytest.skip("no right to mount a small file system")
    script = tmp_path.parent / f"{tmp_path.name}.sh"
    script.write_text(inner)
    with run(FILLER, tmp_path, before=f"unshare -Urm sh {script}") as filler:
        lines = filler.communicate()[0].splitlines()
    assert lines == ["the object store is full"] * 2 + ["['a'] 3"]


async def test_links_are_followed_for_nothing(
    local: LocalObjectStore, root: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.jpg").write_bytes(b"secret")
    await put(local, "a/b.jpg")
    (root / "folder").symlink_to(outside)
    (root / "file.jpg").symlink_to(outside / "secret.jpg")
    (root / "a" / "up").symlink_to(root.parent)
    (root / "dangling").symlink_to(tmp_path / "nowhere")
    for key in ("folder/secret.jpg", "file.jpg", "a/up/outside/secret.jpg", "dangling"):
        for attempt in (local.get, local.head):
            with pytest.raises(NotFound):
                await attempt(key)
        assert await local.delete(key) is False
        with pytest.raises(Conflict):
            await local.put(key, b"x", content_type=JPEG, if_absent=True)
    for key in ("folder/new.jpg", "folder/new/er.jpg"):
        with pytest.raises(Conflict):
            await put(local, key)
    for prefix in ("", "folder/", "a/up/"):
        assert set(await keys(local, prefix)) <= {"a/b.jpg"}
    await put(local, "file.jpg", content=b"mine")
    assert (outside / "secret.jpg").read_bytes() == b"secret"
    assert [path.name for path in outside.iterdir()] == ["secret.jpg"]


async def test_the_root_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "objects").symlink_to(tmp_path / "disk")
    store = LocalObjectStore(tmp_path / "objects")
    await put(store, "a/b")
    assert (tmp_path / "disk" / "a" / "b").read_bytes() == b"x"
    assert await keys(store) == ["a/b"]


async def test_what_is_no_object_is_neither_listed_nor_read(
    local: LocalObjectStore, root: Path
) -> None:
    os.mkfifo(root / "pipe")
    (root / "bad\\name").write_bytes(b"x")
    (root / os.fsdecode(b"\xff")).write_bytes(b"x")
    (root / "by hand.jpg").write_bytes(b"x")
    assert await keys(local) == ["by hand.jpg"]
    with pytest.raises(NotFound):
        await local.get("pipe")


async def test_temporary_files_are_hidden_and_swept_when_old(
    local: LocalObjectStore, root: Path
) -> None:
    folder = root / ".facet-tmp"
    for name, age in (("old", 3700), ("new", 60)):
        (folder / name).write_bytes(b"half")
        then = datetime.now(UTC).timestamp() - age
        os.utime(folder / name, (then, then))
    assert await keys(local) == []
    await local.ready()
    assert [path.name for path in folder.iterdir()] == ["new"]


async def test_an_emptied_folder_left_by_a_crash_is_no_obstacle(
    local: LocalObjectStore, root: Path
) -> None:
    (root / "a").mkdir()
    (root / "b").mkdir()
    await put(local, "a")
    await local.put("b", b"x", content_type=JPEG, if_absent=True)
    assert await keys(local) == ["a", "b"]


async def test_a_folder_that_cannot_be_used_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = LocalObjectStore(tmp_path / "file" / "objects")
    with pytest.raises(NotReady, match="cannot be used: Not a directory"):
        await store.ready()
    with pytest.raises(Unavailable):
        await put(store, "a")
    with pytest.raises(Unavailable, match="cannot be listed"):
        await keys(store)


@pytest.mark.parametrize("prefix", ["", "a/", "images/2026/"])
async def test_a_folder_that_is_not_there_is_not_an_empty_store(
    tmp_path: Path, prefix: str
) -> None:
    with pytest.raises(Unavailable, match="cannot be listed"):
        await keys(LocalObjectStore(tmp_path / "unmounted"), prefix)


async def test_pages_have_a_thousand_objects(root: Path) -> None:
    root.mkdir()
    for number in range(1200):
        (root / f"{number:04}").write_bytes(b"")
    pages = [page async for page in LocalObjectStore(root).pages()]
    assert [len(page) for page in pages] == [1000, 200]


@pytest.mark.parametrize("names_held", [1, 2, 3, 4, 100])
async def test_folders_of_many_names_are_listed_in_lots(
    local: LocalObjectStore, root: Path, names_held: int
) -> None:
    written = sorted(["a", "b/1", "b/2", "b/3", "b/4", "b-", "b0", "c", "d/x/y", "e", "é"])
    await put(local, *written)
    for number, after in enumerate(written):
        found = [info.key for info in FolderListing(root, "", after, names_held)]
        assert found == written[number + 1 :]


WATCHED = """
opened = []
sys.addaudithook(
    lambda event, arguments: opened.append(str(arguments[0]))
    if event in ("os.scandir", "open") and str(arguments[0]).startswith(sys.argv[1]) else None
)
async def main():
    store = LocalObjectStore(Path(sys.argv[1]), page_size=2)
    async for page in store.pages(after="c/x/2"):
        print(*(info.key for info in page), *(Path(name).name for name in opened))
        opened.clear()
asyncio.run(main())
"""


async def test_listing_enters_only_the_folders_that_it_comes_to(
    local: LocalObjectStore, root: Path
) -> None:
    written = ["a/1", "b/x/1", "c/w/1", "c/x/1", "c/x/3", "c/y/1", "d/1", "d/z/1", "e/1"]
    await put(local, *written)
    with run(WATCHED, root) as watched:
        lines = watched.communicate()[0].splitlines()
    assert lines == ["c/x/3 c/y/1 objects c x y", "d/1 d/z/1 d z", "e/1 e"]
