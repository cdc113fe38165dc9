"""What a search for row 5 must find, by the definition."""

from search.domain import Filter, Page, VectorStore
from tests.search.vector_rows import ROWS

ALL = Filter()


async def ids(store: VectorStore, page: Page, accept: Filter = ALL) -> list[int]:
    found = await store.search(ROWS[4].vector, page, accept)
    return [int(hit.item.id, 16) for hit in found.hits]


def truth(accept: Filter = ALL) -> list[int]:
    """The numbers of the accepted rows, nearest to row 5 first."""
    query = ROWS[4].vector
    ordered = sorted(ROWS, key=lambda row: -float(row.vector @ query))
    accepted = [each for each in ordered if each.item.width >= accept.min_width]
    return [int(each.item.id, 16) for each in accepted]
