"""Object key ↔ the absolute URL under which the gateway serves it."""

from urllib.parse import quote, unquote

from facetkit.addresses import parse_target

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class ObjectUrls:
    """URLs below `public_base_url`; with `loopback_aliases` its host may be any loopback name."""

    def __init__(self, public_base_url: str, *, loopback_aliases: bool) -> None:
        base = parse_target(public_base_url)
        hosts = {base.host} | (_LOOPBACK if loopback_aliases else set())
        self._origins = {(base.scheme, host, base.port) for host in hosts}
        self._path = f"{base.path.rstrip('/')}/objects/"
        self._prefix = f"{public_base_url.rstrip('/')}/objects/"

    def url(self, key: str) -> str:
        """The absolute URL of `key`."""
        return self._prefix + quote(key)

    def key(self, url: str) -> str | None:
        """The key, unchecked, that one of our own URLs names; None for any other URL.

        The query is ignored. Raises InvalidInput for what is not a URL.
        """
        target = parse_target(url)
        path = target.path.partition("?")[0]
        ours = (target.scheme, target.host, target.port) in self._origins
        return unquote(path.removeprefix(self._path)) if ours and self._is_object(path) else None

    def _is_object(self, path: str) -> bool:
        return path.startswith(self._path)
