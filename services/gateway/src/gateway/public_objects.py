"""The objects that whoever knows the key may read."""

from facetkit.errors import NotFound
from facetkit.objects import (
    PUBLIC_PREFIXES,
    ObjectInfo,
    ObjectPart,
    ObjectStore,
    StoredObject,
    check_key,
    is_indexed,
)

_NEVER_PUBLIC = frozenset({"photobooth", "trash"})


class PublicObjects:
    """Reads `store`: the public prefixes, and every image that search finds.

    All methods raise InvalidInput for a bad key, and NotFound for one that is not there or not
    public.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def get(self, key: str, *, max_bytes: int | None = None) -> StoredObject:
        """The object under `key`. Raises TooLarge over `max_bytes`."""
        return await self._store.get(_public(key), max_bytes=max_bytes)

    async def get_range(self, key: str, *, start: int, length: int) -> ObjectPart:
        """At most `length` bytes of it. Raises InvalidInput for a start behind its end."""
        return await self._store.get_range(_public(key), start=start, length=length)

    async def head(self, key: str) -> ObjectInfo:
        """What is known of the object under `key`."""
        return await self._store.head(_public(key))


def _public(key: str) -> str:
    # Some file systems do not tell cases apart, and then Trash/ is trash/.
    segments = check_key(key).casefold().split("/")
    in_public_prefix = key.partition("/")[0] in PUBLIC_PREFIXES
    if not _NEVER_PUBLIC.isdisjoint(segments) or not (in_public_prefix or is_indexed(key)):
        raise NotFound(f"there is no object '{key}'")
    return key
