"""What the object store's listing says that the manifest does not know yet."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from facetkit.objects import PAGE_SIZE, ObjectInfo, ObjectStore, is_indexed
from search.manifest import Manifest

WINDOW = 5000
"""Keys compared at once: few enough for memory, enough for the database's round trips."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One window of the listing: how many images it has, and how they differ from what is known."""

    listed: int
    changed: list[ObjectInfo]
    missing: list[str]


async def differences(objects: ObjectStore, manifest: Manifest) -> AsyncIterator[Difference]:
    """The whole listing, window by window, in the order of keys. Raises what the store raises."""
    after = ""
    async for window, is_last in _windows(objects):
        last = None if is_last else window[-1].key
        known = await manifest.known(after, last)
        listed = {info.key: info for info in window if is_indexed(info.key)}
        yield Difference(len(listed), [*_changed(listed, known)], sorted(known.keys() - listed))
        after = last or after


def _changed(
    listed: dict[str, ObjectInfo], known: dict[str, tuple[str, int]]
) -> Iterator[ObjectInfo]:
    return (info for key, info in listed.items() if known.get(key) != (info.etag, info.size))


async def _windows(objects: ObjectStore) -> AsyncIterator[tuple[list[ObjectInfo], bool]]:
    window: list[ObjectInfo] = []
    async for page in objects.pages():
        window += page
        # At once: what is kept for later is out of date when its turn comes.
        if len(window) + PAGE_SIZE > WINDOW:
            yield window, False
            window = []
    yield window, True
