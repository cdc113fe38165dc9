"""What the object store's listing says that the manifest does not know yet."""

from collections.abc import AsyncIterator
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
        yield _difference(window, await manifest.known(after, last))
        after = last or after


def _difference(window: list[ObjectInfo], known: dict[str, tuple[str, int]]) -> Difference:
    """Takes what the window has out of `known`."""
    listed, changed = 0, []
    for info in window:
        before = known.pop(info.key, None)
        # Whatever is known is covered: of millions of keys only new ones are looked at.
        if before is None and not is_indexed(info.key):
            continue
        listed += 1
        if before != (info.etag, info.size):
            changed.append(info)
    return Difference(listed, changed, sorted(known))


async def _windows(objects: ObjectStore) -> AsyncIterator[tuple[list[ObjectInfo], bool]]:
    window: list[ObjectInfo] = []
    async for page in objects.pages():
        window += page
        # At once: what is kept for later is out of date when its turn comes.
        if len(window) + PAGE_SIZE > WINDOW:
            yield window, False
            window = []
    yield window, True
