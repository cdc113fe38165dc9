from hashlib import sha256

import pytest

from facetkit.errors import InvalidInput
from search.domain import ImageVector, Tier
from tests.search.alike import AlikeEmbedder
from tests.search.parts import Parts
from tests.search.watched_objects import WatchedObjects, fill

ALL = frozenset(Tier)


class SizedEmbedder(AlikeEmbedder):
    """Contents that end in `big` have more pixels."""

    async def embed_image(self, content: bytes, *, bulk: bool = False) -> ImageVector:
        found = await super().embed_image(content, bulk=bulk)
        width = found.width * (2 if content.endswith(b"big") else 1)
        return ImageVector(found.vector, width, found.height, found.content_type, found.model)


@pytest.fixture
def embedder() -> SizedEmbedder:
    return SizedEmbedder()


async def groups(parts: Parts, *tiers: Tier) -> list[list[str]]:
    """Keys of each group, the representative's first."""
    found = await parts.grouping.groups(tiers or ALL, 100, 0)
    assert found.total == len(found.groups)
    return [
        [group.representative.key, *(member.item.key for member in group.members)]
        for group in found.groups
    ]


async def test_groups_have_what_is_alike_and_further_keys(
    parts: Parts, objects: WatchedObjects
) -> None:
    await parts.originals.store(b"ring")
    await fill(objects, {"a.jpg": b"ring~1", "b.jpg": b"ring~1", "c.jpg": b"dog", "d.jpg": b"cat"})
    await fill(objects, {"e.jpg": b"dog"})
    await parts.synchronise()
    ring = f"images/{sha256(b'ring').hexdigest()}.jpg"
    assert sorted(map(sorted, await groups(parts))) == [
        sorted([ring, "a.jpg", "b.jpg"]),
        ["c.jpg", "e.jpg"],
    ]
    assert sorted(map(sorted, await groups(parts, Tier.BYTES))) == [
        ["a.jpg", "b.jpg"],
        ["c.jpg", "e.jpg"],
    ]
    (group,) = await groups(parts, Tier.PICTURE)
    assert len(group) == 2


async def test_the_largest_then_the_oldest_represents_its_group(
    parts: Parts, objects: WatchedObjects
) -> None:
    for key, content in {
        "1.jpg": b"ring^first",
        "2.jpg": b"ring^then",
        "3.jpg": b"dog^first",
        "4.jpg": b"dog^then big",
    }.items():
        await fill(objects, {key: content})
        await parts.synchronise()
    assert await groups(parts) == [["4.jpg", "3.jpg"], ["1.jpg", "2.jpg"]]


async def test_members_carry_what_they_share(parts: Parts, objects: WatchedObjects) -> None:
    await fill(objects, {"a.jpg": b"dog^big"})
    await parts.synchronise()
    await fill(objects, {"b.jpg": b"dog^big", "c.jpg": b"dog^1", "d.jpg": b"dog^big~same"})
    await parts.synchronise()
    (group,) = (await parts.grouping.groups(ALL, 100, 0)).groups
    assert group.representative.key == "a.jpg"
    shared = {each.item.key: (each.tier, each.same_pixels) for each in group.members}
    assert shared == {
        "b.jpg": (Tier.BYTES, True),
        "c.jpg": (Tier.PICTURE, False),
        "d.jpg": (Tier.PICTURE, True),
    }
    assert group.members[0].score == 1.0


async def test_a_key_that_goes_leaves_its_group(parts: Parts, objects: WatchedObjects) -> None:
    await fill(objects, {"a.jpg": b"ring", "b.jpg": b"ring", "c.jpg": b"dog"})
    await parts.synchronise()
    assert len(await groups(parts)) == 1
    await objects.delete("a.jpg")
    await parts.synchronise()
    assert await groups(parts) == []


async def test_pages_of_groups(parts: Parts, objects: WatchedObjects) -> None:
    for number in range(7):
        await fill(objects, {f"{number}a.jpg": b"%d" % number, f"{number}b.jpg": b"%d" % number})
    await parts.synchronise()
    pages = [await parts.grouping.groups(ALL, 3, offset) for offset in (0, 3, 6, 9)]
    assert [len(page.groups) for page in pages] == [3, 3, 1, 0]
    assert {page.total for page in pages} == {7}
    seen = [group.representative.id for page in pages for group in page.groups]
    assert len(set(seen)) == 7


@pytest.mark.parametrize(
    ("limit", "offset", "field"), [(0, 0, "limit"), (101, 0, "limit"), (1, -1, "offset")]
)
async def test_bad_pages_name_the_field(parts: Parts, limit: int, offset: int, field: str) -> None:
    with pytest.raises(InvalidInput, match=f"'{field}'"):
        await parts.grouping.groups(ALL, limit, offset)
