from collections import Counter

import pytest

from facetkit import registry
from facetkit.errors import InvalidInput

HATS = {
    "ordered": "collections:OrderedDict",
    "counted": "collections:Counter",
    "gone": "no_such_hat:X",
}


def test_loads_what_is_named() -> None:
    assert registry.load(HATS, "counted") is Counter


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(InvalidInput) as caught:
        registry.load(HATS, "bowler")
    assert caught.value.message == "unknown name 'bowler'; known: counted, gone, ordered"


def test_nothing_is_imported_before_use() -> None:
    with pytest.raises(ModuleNotFoundError):
        registry.load(HATS, "gone")
