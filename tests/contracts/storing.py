"""What the tests of object stores do to them."""

from facetkit.objects import ObjectInfo, ObjectStore

JPEG = "image/jpeg"


async def put(store: ObjectStore, *keys: str, content: bytes = b"x") -> None:
    """Writes the content under each key."""
    for key in keys:
        await store.put(key, content, content_type=JPEG)


async def infos(store: ObjectStore, prefix: str = "", after: str = "") -> list[ObjectInfo]:
    """Everything that the store lists."""
    return [info async for page in store.pages(prefix, after=after) for info in page]


async def keys(store: ObjectStore, prefix: str = "", after: str = "") -> list[str]:
    """The keys of everything that the store lists."""
    return [info.key for info in await infos(store, prefix, after)]
