"""An API key exchanged for a signed cookie, so that pages need not keep the key."""

from collections.abc import Mapping
from hashlib import sha256

from itsdangerous import BadSignature, TimestampSigner

COOKIE = "facet_session"
LASTS_S = 12 * 3600


class Sessions:
    """Signs the names of API keys. Another set of keys makes every cookie worthless."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._names = frozenset(keys)
        secret = sha256("\n".join(f"{name}:{keys[name]}" for name in sorted(keys)).encode())
        self._signer = TimestampSigner(secret.digest(), salt="facet session")

    def issue(self, name: str) -> str:
        """The cookie for the key called `name`."""
        return self._signer.sign(name.encode()).decode()

    def name_of(self, cookie: str) -> str | None:
        """The name of the key that the cookie was given for; None for a false or old one."""
        try:
            name = self._signer.unsign(cookie.encode("utf-8", "replace"), max_age=LASTS_S).decode()
        except BadSignature:
            return None
        return name if name in self._names else None
