"""Groups of images that show the same, as callers see them."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from facetkit.errors import InvalidInput
from search.domain import Item, Similar, Tier
from search.duplicates import Group, KeyedImage, stars
from search.index import Index
from search.manifest import Manifest, PairStore

MAX_GROUPS = 100


@dataclass(frozen=True, slots=True)
class Star:
    """Items that show the same as the representative itself, most alike first."""

    representative: Item
    members: list[Similar]


@dataclass(frozen=True, slots=True)
class Stars:
    """A page of groups, and how many there are."""

    groups: list[Star]
    total: int


class Grouping:
    """Makes groups of the pairs that were found when images came in."""

    def __init__(self, index: Index, manifest: Manifest, pairs: PairStore) -> None:
        self._index, self._manifest, self._pairs = index, manifest, pairs

    async def groups(self, tiers: Collection[Tier], limit: int, offset: int) -> Stars:
        """Groups of these tiers, in the order of their representatives.

        The representative has most pixels, then is the oldest.
        """
        _check_page(limit, offset)
        pairs = await self._pairs.all(self._index.active.name)
        ids = {image_id for pair in pairs for image_id in (pair.first, pair.second)}
        ids.update(await self._pairs.shared())
        items = await self._items(ids)
        keyed = await self._keyed(items)
        found = await asyncio.to_thread(stars, keyed, pairs, tiers)
        page = found[offset : offset + limit]
        return Stars([_star(group, items) for group in page], len(found))

    async def _items(self, ids: Collection[str]) -> Mapping[str, Item]:
        images = await self._manifest.images(sorted(ids))
        items = sorted((image.item for image in images.values()), key=_keeper)
        return {item.id: item for item in items}

    async def _keyed(self, items: Mapping[str, Item]) -> list[KeyedImage]:
        keys = await self._manifest.keys_of(list(items))
        return [
            KeyedImage(item.id, _own_first(item.key, keys.get(item.id, [])))
            for item in items.values()
        ]


def _own_first(own: str, keys: Sequence[str]) -> list[str]:
    return [own, *(key for key in keys if key != own)]


def _keeper(item: Item) -> tuple[int, float, str]:
    return -item.width * item.height, item.created_at.timestamp(), item.id


def _star(group: Group, items: Mapping[str, Item]) -> Star:
    members = [
        Similar(
            replace(items[member.id], key=member.key),
            member.tier,
            member.score,
            member.same_pixels,
        )
        for member in group.members
    ]
    return Star(items[group.id], members)


def _check_page(limit: int, offset: int) -> None:
    if not 1 <= limit <= MAX_GROUPS:
        message = f"must be 1 to {MAX_GROUPS}"
        raise InvalidInput(f"'limit' {message}", fields={"limit": message})
    if offset < 0:
        raise InvalidInput("'offset' must be 0 or more", fields={"offset": "must be 0 or more"})
