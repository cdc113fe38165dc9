"""Who may call: API keys, and the guard of the routes that want one."""

import hmac
from collections.abc import Mapping
from hashlib import sha256

import structlog
from fastapi.requests import HTTPConnection
from fastapi.security import APIKeyHeader

from facetkit.errors import Unauthenticated
from gateway.sessions import COOKIE, Sessions


class ApiKeys:
    """The API keys by name; false where there is none."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._digests = {name: _digest(key.encode()) for name, key in keys.items()}

    def __bool__(self) -> bool:
        return bool(self._digests)

    def name_of(self, given: str) -> str | None:
        """The name of the key that was given; None where it is none."""
        # Every key is compared, and digests are of one length, so that time tells nothing.
        digest = _digest(given.encode("utf-8", "surrogateescape"))
        matches = [name for name, own in self._digests.items() if hmac.compare_digest(own, digest)]
        return matches[0] if matches else None


class ApiKeyGuard(APIKeyHeader):
    """A dependency that lets through who sends one of `keys`, or the cookie of a session.

    Without any key everybody passes, unless the route is `closed`. Raises Unauthenticated.
    """

    def __init__(self, keys: ApiKeys, sessions: Sessions, *, closed: bool = False) -> None:
        super().__init__(
            name="X-API-Key",
            scheme_name="API key",
            description="Needed once the mesh has an API key.",
            auto_error=False,
        )
        self._keys = keys
        self._sessions = sessions
        self._closed = closed

    async def __call__(self, request: HTTPConnection) -> str | None:
        """The name of the key that was sent."""
        if not self._keys and not self._closed:
            return None
        given = request.headers.get("X-API-Key")
        # Header values arrive as latin-1; a key with other letters came as the bytes of UTF-8.
        name = self._keys.name_of(_as_sent(given)) if given else self._by_cookie(request)
        if name is None:
            state = "not valid" if given else "missing"
            raise Unauthenticated(f"the header X-API-Key is {state}")
        structlog.contextvars.bind_contextvars(caller=name)
        return name

    def _by_cookie(self, request: HTTPConnection) -> str | None:
        cookie = request.cookies.get(COOKIE)
        return self._sessions.name_of(cookie) if cookie else None


def _as_sent(header: str) -> str:
    return header.encode("latin-1").decode("utf-8", "surrogateescape")


def _digest(key: bytes) -> bytes:
    return sha256(key).digest()
