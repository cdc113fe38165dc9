from typing import Any

import pytest

from facet.search.v1 import search_pb2
from tests.gateway.fakes import item_of
from tests.gateway.running import Gateway

BYTES, PICTURE, NEAR = search_pb2.TIER_BYTES, search_pb2.TIER_PICTURE, search_pb2.TIER_NEAR


def told(item: search_pb2.Item) -> dict[str, Any]:
    return {
        "id": item.id,
        "key": item.key,
        "url": f"http://localhost:8000/objects/{item.key}",
        "width": 320,
        "height": 240,
        "bytes": item.size_bytes,
    }


async def test_groups(gateway: Gateway) -> None:
    first, second, third = item_of(b"a"), item_of(b"bb"), item_of(b"ccc")
    members = [
        search_pb2.Similar(item=second, tier=BYTES, score=1, same_pixels=True),
        search_pb2.Similar(item=third, tier=NEAR, score=0.75),
    ]
    gateway.search.groups = [search_pb2.DuplicateGroup(representative=first, members=members)]
    answer = await gateway.http.get("/api/duplicates")
    assert answer.json() == {
        "groups": [
            {
                "representative": told(first),
                "members": [
                    told(second) | {"tier": "bytes", "score": 1, "same_pixels": True},
                    told(third) | {"tier": "near", "score": 0.75, "same_pixels": False},
                ],
            }
        ],
        "total": 7,
    }


@pytest.mark.parametrize(
    ("query", "tiers"),
    [
        ("", []),
        ("?tier=", []),
        ("?tier=bytes", [BYTES]),
        ("?tier=picture&tier=near", [PICTURE, NEAR]),
        ("?tier=near,%20bytes", [NEAR, BYTES]),
    ],
)
async def test_tiers(gateway: Gateway, query: str, tiers: list[Any]) -> None:
    assert (await gateway.http.get(f"/api/duplicates{query}")).status_code == 200
    assert gateway.search.requests == [search_pb2.ListDuplicatesRequest(tiers=tiers, limit=20)]


async def test_pages(gateway: Gateway) -> None:
    query: dict[str, Any] = {"limit": 100, "offset": 2**31 - 1}
    assert (await gateway.http.get("/api/duplicates", params=query)).status_code == 200
    assert gateway.search.requests == [search_pb2.ListDuplicatesRequest(**query)]


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("limit=0", "'limit' must be at least 1"),
        ("limit=101", "'limit' must be at most 100"),
        ("limit=all", "'limit' must be a whole number"),
        ("offset=-1", "'offset' must be at least 0"),
        ("offset=2147483648", "'offset' must be at most 2147483647"),
        ("tier=same", "'tier.0' must be one of 'bytes', 'picture' or 'near'"),
        ("tier=bytes,same", "'tier.1' must be one of 'bytes', 'picture' or 'near'"),
    ],
)
async def test_bad_questions(gateway: Gateway, query: str, error: str) -> None:
    answer = await gateway.http.get(f"/api/duplicates?{query}")
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert not gateway.search.requests
