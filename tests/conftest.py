"""Servers that are started once for all tests that need them."""

from collections.abc import Iterator

import pytest

from tests.s3_server import S3Server, running_s3


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """A server that speaks S3; every test makes its own bucket."""
    with running_s3() as server:
        yield server
