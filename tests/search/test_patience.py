import pytest

from facetkit.errors import (
    Conflict,
    Deadline,
    FacetError,
    InvalidInput,
    NotReady,
    Overloaded,
    Unavailable,
    Upstream,
)
from search.sync.patience import Patience


class Failing:
    """Raises `errors` one after the other, then answers how often it was called."""

    def __init__(self, *errors: FacetError) -> None:
        self.errors, self.calls = list(errors), 0

    async def __call__(self) -> int:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.calls


@pytest.mark.parametrize("error", [Unavailable, NotReady, Overloaded, Deadline])
async def test_what_passes_is_waited_out(error: type[FacetError]) -> None:
    assert await Patience(60).wait_for(Failing(error("a moment"))) == 2


@pytest.mark.parametrize("error", [InvalidInput, Conflict, Upstream, FacetError])
async def test_what_does_not_pass_is_raised_at_once(error: type[FacetError]) -> None:
    call = Failing(error("wrong"))
    with pytest.raises(error, match="wrong"):
        await Patience(60).wait_for(call)
    assert call.calls == 1


async def test_patience_ends_and_the_last_error_is_raised() -> None:
    call = Failing(*(Unavailable(f"away {number}") for number in range(1000)))
    with pytest.raises(Unavailable) as raised:
        await Patience(0.5).wait_for(call)
    assert call.calls > 1
    assert raised.value.message == f"away {call.calls - 1}"


async def test_without_patience_the_first_error_is_raised() -> None:
    call = Failing(Unavailable("away"))
    with pytest.raises(Unavailable):
        await Patience(0).wait_for(call)
    assert call.calls == 1


async def test_patience_begins_anew_with_each_call() -> None:
    patience = Patience(60)
    for _ in range(2):
        assert await patience.wait_for(Failing(Unavailable("away"))) == 2
