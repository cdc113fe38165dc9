from hashlib import sha256

import pytest

from facetkit.jobs import Job, JobState
from tests.search.fakes import FakeEmbedder
from tests.search.parts import Parts
from tests.search.watched_objects import WatchedObjects, fill


def id_of(content: bytes) -> str:
    return sha256(content).hexdigest()


def rings(count: int) -> dict[str, bytes]:
    return {f"shop/{number}.jpg": f"ring {number}".encode() for number in range(count)}


def succeeded(job: Job) -> Job:
    assert (job.state, job.error) == (JobState.SUCCEEDED, "")
    return job


async def test_every_image_of_the_bucket_is_found(parts: Parts, objects: WatchedObjects) -> None:
    await fill(objects, rings(50))
    job = succeeded(await parts.synchronise())
    assert (job.done, job.total) == (50, 50)
    assert job.result["indexed"] == job.result["downloaded"] == 50
    assert await parts.found() == {key: id_of(content) for key, content in rings(50).items()}


async def test_nothing_is_downloaded_where_nothing_has_changed(
    parts: Parts, objects: WatchedObjects, embedder: FakeEmbedder
) -> None:
    await fill(objects, rings(50))
    await parts.synchronise()
    objects.gets.clear()
    job = succeeded(await parts.synchronise())
    assert (job.done, job.total, job.result["unchanged"]) == (50, 50, 50)
    assert objects.gets == []
    assert len(embedder.embedded) == 50


async def test_synchronisation_uses_the_bulk_lane(
    parts: Parts, objects: WatchedObjects, embedder: FakeEmbedder
) -> None:
    await fill(objects, rings(3))
    await parts.synchronise()
    assert sorted(embedder.in_bulk) == sorted(rings(3).values())


async def test_a_changed_object_replaces_what_it_was(parts: Parts, objects: WatchedObjects) -> None:
    await fill(objects, rings(3))
    await parts.synchronise()
    await fill(objects, {"shop/1.jpg": b"another"})
    succeeded(await parts.synchronise())
    assert (await parts.found())["shop/1.jpg"] == id_of(b"another")
    assert len(await parts.found()) == 3
    assert (await parts.nearest(b"another")).key == "shop/1.jpg"
    assert objects.gets.count("shop/1.jpg") == 2
    assert len(objects.gets) == 4


async def test_bytes_that_move_on_to_another_key_keep_their_vector(
    parts: Parts, objects: WatchedObjects, embedder: FakeEmbedder
) -> None:
    await fill(objects, rings(2))
    await parts.synchronise()
    await fill(objects, {"shop/0.jpg": b"another", "shop/9.jpg": b"ring 0"})
    succeeded(await parts.synchronise())
    assert await parts.found() == {
        "shop/0.jpg": id_of(b"another"),
        "shop/1.jpg": id_of(b"ring 1"),
        "shop/9.jpg": id_of(b"ring 0"),
    }
    assert embedder.embedded.count(b"ring 0") == 1


@pytest.mark.parametrize(("gone", "left"), [("a.jpg", "b.jpg"), ("b.jpg", "a.jpg")])
async def test_of_two_keys_with_equal_bytes_one_can_go(
    parts: Parts, objects: WatchedObjects, gone: str, left: str
) -> None:
    await fill(objects, {"a.jpg": b"ring", "b.jpg": b"ring"})
    await parts.synchronise()
    assert len(await parts.found()) == 1
    await objects.delete(gone)
    succeeded(await parts.synchronise())
    assert await parts.found() == {left: id_of(b"ring")}
    assert (await parts.manifest.counts()).keys == 1


async def test_the_vector_goes_with_the_last_key(parts: Parts, objects: WatchedObjects) -> None:
    await fill(objects, {"a.jpg": b"ring", "b.jpg": b"ring", "c.jpg": b"dog"})
    await parts.synchronise()
    await objects.delete("a.jpg")
    await objects.delete("b.jpg")
    job = succeeded(await parts.synchronise())
    assert job.result["removed"] == 2
    assert list(await parts.found()) == ["c.jpg"]
    assert (await parts.manifest.counts()).images == 1


async def test_a_renamed_object_is_not_embedded_again(
    parts: Parts, objects: WatchedObjects, embedder: FakeEmbedder
) -> None:
    await fill(objects, {"old.jpg": b"ring", "dog.jpg": b"dog"})
    await parts.synchronise()
    await objects.delete("old.jpg")
    await fill(objects, {"new.jpg": b"ring"})
    succeeded(await parts.synchronise())
    assert await parts.found() == {"new.jpg": id_of(b"ring"), "dog.jpg": id_of(b"dog")}
    assert len(embedder.embedded) == 2


async def test_keys_with_spaces_and_cyrillic_are_found(
    parts: Parts, objects: WatchedObjects
) -> None:
    key = "Магазин/кольцо №1 (копия) .jpg"
    await fill(objects, {key: b"ring"})
    succeeded(await parts.synchronise())
    assert await parts.found("Магазин/кольцо №1") == {key: id_of(b"ring")}
    assert await parts.found("магазин") == {}


async def test_reserved_segments_and_other_files_are_passed_over(
    parts: Parts, objects: WatchedObjects
) -> None:
    reserved = ["gen_images", "excel_files", "bundles", "trash", "photobooth", "Templates"]
    await fill(objects, {f"shop/{segment}/x.jpg": b"x" for segment in reserved})
    await objects.put("shop/list.pdf", b"pdf", content_type="application/pdf")
    await fill(objects, {"shop/trashed/x.jpg": b"ring"})
    job = succeeded(await parts.synchronise())
    assert job.total == 1
    assert list(await parts.found()) == ["shop/trashed/x.jpg"]
    assert objects.gets == ["shop/trashed/x.jpg"]


async def test_broken_images_are_named_once_and_never_fatal(
    parts: Parts, objects: WatchedObjects
) -> None:
    await fill(objects, {**rings(3), "bad.jpg": b"bad", "empty.jpg": b""})
    job = succeeded(await parts.synchronise())
    assert [(each.item, each.code) for each in job.failed] == [
        ("bad.jpg", "unsupported_media"),
        ("empty.jpg", "invalid_input"),
    ]
    assert all(each.error for each in job.failed)
    assert (job.done, job.total, job.failed_count, job.result["failed"]) == (5, 5, 2, 2)
    objects.gets.clear()
    again = succeeded(await parts.synchronise())
    assert (again.done, again.total, again.failed_count) == (5, 5, 0)
    assert objects.gets == []
    assert (await parts.manifest.counts()).broken_keys == 2


async def test_a_broken_image_that_is_replaced_is_indexed(
    parts: Parts, objects: WatchedObjects
) -> None:
    await fill(objects, {"a.jpg": b"bad", **rings(1)})
    await parts.synchronise()
    await fill(objects, {"a.jpg": b"good", "shop/0.jpg": b"bad by now"})
    job = succeeded(await parts.synchronise())
    assert list(await parts.found()) == ["a.jpg"]
    assert [each.item for each in job.failed] == ["shop/0.jpg"]


async def test_an_object_over_the_limit_is_not_downloaded(
    parts: Parts, objects: WatchedObjects
) -> None:
    await fill(objects, {"film.jpg": b"x", **rings(1)})
    objects.sizes["film.jpg"] = 10**9
    job = succeeded(await parts.synchronise())
    assert [(each.item, each.code) for each in job.failed] == [("film.jpg", "too_large")]
    succeeded(await parts.synchronise())
    assert objects.gets == ["shop/0.jpg"]


async def test_an_object_that_grows_over_the_limit_meanwhile_is_not_taken(
    parts: Parts, objects: WatchedObjects
) -> None:
    await fill(objects, rings(2))
    objects.before_get["shop/0.jpg"] = lambda: fill(objects, {"shop/0.jpg": b"x" * 2000})
    job = succeeded(await parts.synchronise())
    assert [(each.item, each.code) for each in job.failed] == [("shop/0.jpg", "too_large")]
    objects.gets.clear()
    succeeded(await parts.synchronise())
    assert objects.gets == []
    assert list(await parts.found()) == ["shop/1.jpg"]


async def test_an_object_that_changes_meanwhile_is_taken_as_it_is(
    parts: Parts, objects: WatchedObjects
) -> None:
    await fill(objects, rings(2))
    objects.before_get["shop/0.jpg"] = lambda: fill(objects, {"shop/0.jpg": b"another"})
    succeeded(await parts.synchronise())
    assert (await parts.found())["shop/0.jpg"] == id_of(b"another")
    objects.gets.clear()
    succeeded(await parts.synchronise())
    assert objects.gets == []


async def test_an_object_that_disappears_meanwhile_is_passed_over(
    parts: Parts, objects: WatchedObjects
) -> None:
    await fill(objects, rings(2))
    objects.before_get["shop/0.jpg"] = lambda: objects.delete("shop/0.jpg")
    job = succeeded(await parts.synchronise())
    assert (job.done, job.failed_count) == (2, 0)
    assert list(await parts.found()) == ["shop/1.jpg"]
