"""Who may call: the X-API-Key guard."""

import hmac
from collections.abc import Mapping
from hashlib import sha256

import structlog
from fastapi.requests import HTTPConnection
from fastapi.security import APIKeyHeader

from facetkit.errors import Unauthenticated


class ApiKeyGuard(APIKeyHeader):
    """A dependency that lets through who sends one of `keys` (name → key).

    Without any key everybody passes, unless the route is `closed`. Raises Unauthenticated.
    """

    def __init__(self, keys: Mapping[str, str], *, closed: bool = False) -> None:
        super().__init__(
            name="X-API-Key",
            scheme_name="API key",
            description="Needed once the mesh has an API key.",
            auto_error=False,
        )
        self._digests = {name: _digest(key.encode()) for name, key in keys.items()}
        self._closed = closed

    async def __call__(self, request: HTTPConnection) -> str | None:
        """The name of the key that was sent."""
        if not self._digests and not self._closed:
            return None
        given = request.headers.get("X-API-Key")
        name = self._name_of(given) if given else None
        if name is None:
            state = "not valid" if given else "missing"
            raise Unauthenticated(f"the header X-API-Key is {state}")
        structlog.contextvars.bind_contextvars(caller=name)
        return name

    def _name_of(self, given: str) -> str | None:
        # Every key is compared, and digests are of one length, so that time tells nothing.
        digest = _digest(given.encode("latin-1"))
        matches = [name for name, own in self._digests.items() if hmac.compare_digest(own, digest)]
        return matches[0] if matches else None


def _digest(key: bytes) -> bytes:
    return sha256(key).digest()
