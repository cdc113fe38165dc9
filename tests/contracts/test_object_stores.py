import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from facetkit.errors import (
    AlreadyExists,
    Conflict,
    InvalidInput,
    NotFound,
    NotReady,
    Unavailable,
)
from facetkit.local_objects import LocalObjectStore
from facetkit.memory_objects import MemoryObjectStore
from facetkit.objects import (
    PUBLIC_PREFIXES,
    RESERVED_SEGMENTS,
    ObjectInfo,
    ObjectStore,
    check_key,
)

JPEG = "image/jpeg"
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


@pytest.fixture(params=["local", "memory"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    made: ObjectStore = (
        LocalObjectStore(tmp_path / "objects") if request.param == "local" else MemoryObjectStore()
    )
    await made.ready()
    return made


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "objects"


@pytest.fixture
async def local(root: Path) -> LocalObjectStore:
    made = LocalObjectStore(root)
    await made.ready()
    return made


async def put(store: ObjectStore, *keys: str, content: bytes = b"x") -> None:
    for key in keys:
        await store.put(key, content, content_type=JPEG)


async def keys(store: ObjectStore, prefix: str = "") -> list[str]:
    return [info.key async for info in store.list(prefix)]


async def test_what_was_put_is_got(store: ObjectStore) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    info = await store.put("images/ä b.jpg", b"content", content_type=JPEG)
    assert (info.key, info.size, info.content_type) == ("images/ä b.jpg", 7, JPEG)
    assert before <= info.modified <= datetime.now(UTC) + timedelta(seconds=1)
    assert info.modified.tzinfo is UTC
    assert info.etag.isascii()
    assert '"' not in info.etag
    stored = await store.get(info.key)
    assert (stored.content, stored.info) == (b"content", info)
    assert await store.head(info.key) == info
    assert [found async for found in store.list()] == [info]


async def test_objects_may_be_empty_or_large(store: ObjectStore) -> None:
    large = os.urandom(3 * 2**20)
    await put(store, "empty", content=b"")
    await put(store, "large", content=large)
    assert (await store.get("empty")).content == b""
    assert (await store.get("large")).content == large


async def test_the_etag_changes_with_every_version(store: ObjectStore) -> None:
    etags = set()
    for content in (b"one", b"two", b"one", b"longer"):
        info = await store.put("a.jpg", content, content_type=JPEG)
        etags.add(info.etag)
        assert await store.get("a.jpg") == await store.get("a.jpg")
        assert (await store.get("a.jpg")).content == content
        assert (await store.head("a.jpg")).etag == info.etag
    assert len(etags) == 4


async def test_missing_objects_are_not_found(store: ObjectStore) -> None:
    await put(store, "a/b")
    for key in ("missing", "a", "a/c", "a/b/c"):
        for attempt in (store.get, store.head):
            with pytest.raises(NotFound, match=key):
                await attempt(key)
        assert await store.delete(key) is False
    assert await keys(store) == ["a/b"]


async def test_deleting_says_whether_it_was_there(store: ObjectStore) -> None:
    await put(store, "a/b/c")
    assert await store.delete("a/b/c") is True
    assert await store.delete("a/b/c") is False
    assert await keys(store) == []
    await put(store, "a/b")
    assert await keys(store) == ["a/b"]


async def test_lists_come_in_key_order_and_by_prefix(store: ObjectStore) -> None:
    written = ["b", "a/x", "a-b", "a0", "a/x0/y", "a/x-/y", "A", "a.jpg", "é", "a/w", "ab/c/d/e"]
    await put(store, *written)
    assert await keys(store) == sorted(written)
    for prefix in ("a", "a/", "a/x", "a/x0/", "ab/c", "é", "none", "a/none", "b/"):
        assert await keys(store, prefix) == sorted(k for k in written if k.startswith(prefix))


@pytest.mark.parametrize("prefix", ["/", "../", "..", "a//", "./a", "\0", ".facet-", "x" * 2000])
async def test_prefixes_of_no_key_list_nothing(store: ObjectStore, prefix: str) -> None:
    await put(store, "a/b")
    assert await keys(store, prefix) == []


async def test_only_what_is_absent_is_written_if_absent(store: ObjectStore) -> None:
    await store.put("a/b", b"first", content_type=JPEG, if_absent=True)
    with pytest.raises(AlreadyExists, match="a/b"):
        await store.put("a/b", b"second", content_type=JPEG, if_absent=True)
    assert (await store.get("a/b")).content == b"first"
    assert await store.delete("a/b")
    await store.put("a/b", b"third", content_type=JPEG, if_absent=True)


async def test_of_many_racing_writers_one_wins(store: ObjectStore) -> None:
    async def attempt(number: int) -> bytes | None:
        content = b"%d" % number
        try:
            await store.put("images/race.jpg", content, content_type=JPEG, if_absent=True)
        except AlreadyExists:
            return None
        return content

    results = await asyncio.gather(*(attempt(number) for number in range(32)))
    assert [won for won in results if won] == [(await store.get("images/race.jpg")).content]


async def test_keys_below_other_keys_conflict(store: ObjectStore) -> None:
    await put(store, "a/b", "c/d/e")
    for key in ("a/b/c", "a/b/c/d", "c", "c/d"):
        for if_absent in (False, True):
            with pytest.raises(Conflict):
                await store.put(key, b"x", content_type=JPEG, if_absent=if_absent)
    assert await keys(store) == ["a/b", "c/d/e"]


async def test_writers_and_deleters_of_one_key_do_not_trip(store: ObjectStore) -> None:
    async def churn(number: int) -> None:
        for _ in range(10):
            await put(store, f"deep/er/{number % 2}")
            await store.delete(f"deep/er/{number % 2}")

    await asyncio.gather(*(churn(number) for number in range(6)))
    assert await keys(store) == []


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        *[("a.jpg", JPEG), ("a.JPEG", JPEG), ("a.png", "image/png"), ("a.webp", "image/webp")],
        *[("a.zip", "application/zip"), ("a.json", "application/json")],
        *[("a.pdf", "application/pdf"), ("a.jpg/b", "application/octet-stream")],
        ("a.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        *[("a.unknown", "application/octet-stream"), ("a.html", "application/octet-stream")],
    ],
)
async def test_content_types_follow_the_extension(
    store: ObjectStore, key: str, expected: str
) -> None:
    info = await store.put(key, b"x", content_type=expected)
    assert info.content_type == expected
    assert (await store.get(key)).info.content_type == expected


REFUSED = [
    *["", "/", "/etc/passwd", "//a", "..", ".", "../a", "a/../b", "a/..", "a/./b", "./a", "a//b"],
    *["a/", "a\\b", "..\\a", "C:\\a", "a\0b", "a\nb", "a\x7f", "a\x85", "\ud800"],
    *["x" * 256, "ä" * 128, "a/" * 512 + "b", ".facet-tmp", ".facet-tmp/a", "a/.FACET-lock"],
]


@pytest.mark.parametrize("key", REFUSED)
async def test_bad_keys_are_refused_everywhere(store: ObjectStore, key: str) -> None:
    for attempt in (store.get, store.head, store.delete, partial(put, store)):
        with pytest.raises(InvalidInput, match=r"^'key' ") as caught:
            await attempt(key)
        assert set(caught.value.fields) == {"key"}
    assert await keys(store) == []


@pytest.mark.parametrize("key", ["a", "...", "a..b", "x" * 255, "%2e%2e/a", "~", "a b", "日本"])
async def test_unusual_keys_are_allowed(store: ObjectStore, key: str) -> None:
    assert check_key(key) == key
    await put(store, key)
    assert await keys(store) == [key]


async def test_the_longest_key_can_be_used(store: ObjectStore) -> None:
    key = "/".join(["x" * 204] * 5)
    assert len(key) == 1024
    await put(store, key)
    assert await keys(store) == [key]


def test_only_indexed_and_catalog_prefixes_are_public() -> None:
    assert PUBLIC_PREFIXES - RESERVED_SEGMENTS == {"images"}
    assert not PUBLIC_PREFIXES & {"photobooth", "trash", "templates"}


def run(script: str, *arguments: object, before: str = "") -> "subprocess.Popen[str]":
    prelude = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from facetkit.errors import AlreadyExists, Unavailable\n"
        "from facetkit.local_objects import LocalObjectStore\n"
        "store = LocalObjectStore(Path(sys.argv[1]))\n"
    )
    command = [*before.split(), sys.executable, "-c", prelude + script, *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=ENVIRONMENT, stdin=pipe, stdout=pipe, text=True)


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
    for racer in racers:
        assert racer.stdout
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin
        racer.stdin.write("go\n")
        racer.stdin.flush()
    won = {
        (key, str(number))
        for number, racer in enumerate(racers)
        for key in racer.communicate()[0].split()
    }
    stored = {(key, (await local.get(key)).content.decode()) for key in await keys(local)}
    assert len(stored) == 40
    assert won == stored


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
    print([info.key async for info in store.list()], len(list(store._root.rglob("*"))))
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
    assert lines == ["the object store is full"] * 2 + ["['a'] 2"]


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
    assert await keys(store) == []


async def test_long_lists_come_whole(local: LocalObjectStore, root: Path) -> None:
    (root / "many").mkdir()
    for number in range(1200):
        (root / "many" / f"{number:04}").write_bytes(b"")
    found: list[ObjectInfo] = [info async for info in local.list("many/")]
    assert [info.key for info in found] == [f"many/{number:04}" for number in range(1200)]
