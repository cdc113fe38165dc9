"""The objects that whoever knows the key may read."""

from facetkit.errors import NotFound
from facetkit.objects import PUBLIC_PREFIXES, ObjectInfo, ObjectStore, StoredObject, check_key


class PublicObjects:
    """Reads `store`, public prefixes alone.

    Both methods raise InvalidInput for a bad key, and NotFound for one that is not there or not
    public.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def get(self, key: str) -> StoredObject:
        """The object under `key`."""
        return await self._store.get(_public(key))

    async def head(self, key: str) -> ObjectInfo:
        """What is known of the object under `key`."""
        return await self._store.head(_public(key))


def _public(key: str) -> str:
    if check_key(key).partition("/")[0] not in PUBLIC_PREFIXES:
        raise NotFound(f"there is no object '{key}'")
    return key
