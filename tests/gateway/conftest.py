"""The gateway over fake services."""

from collections.abc import AsyncIterator

import pytest

from tests.gateway.running import Gateway, running_gateway


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    """A gateway that everybody may call."""
    async with running_gateway() as running:
        yield running
