"""Object key ↔ the absolute URL under which callers read the object."""

from urllib.parse import quote, unquote

from facetkit.addresses import parse_target
from facetkit.objects import ObjectStore
from facetkit.s3_bucket import S3Bucket

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class ObjectUrls:
    """URLs of the store itself, good for `expires_s` seconds, or else below `public_base_url`.

    Both are known again, and those of `bucket`; with `loopback_aliases` the host of
    `public_base_url` may be any loopback name.
    """

    def __init__(
        self,
        public_base_url: str,
        store: ObjectStore,
        bucket: S3Bucket | None,
        *,
        expires_s: int,
        loopback_aliases: bool,
    ) -> None:
        base = parse_target(public_base_url)
        hosts = {base.host} | (_LOOPBACK if loopback_aliases else set())
        self._origins = {(base.scheme, host, base.port) for host in hosts}
        self._path = f"{base.path.rstrip('/')}/objects/"
        self._prefix = f"{public_base_url.rstrip('/')}/objects/"
        self._store = store
        self._bucket = bucket
        self._expires_s = expires_s

    def url(self, key: str) -> str:
        """The absolute URL of `key`. Raises NotReady for want of credentials to sign it with."""
        return self._store.url(key, expires_s=self._expires_s) or self._prefix + quote(key)

    def key(self, url: str) -> str | None:
        """The key, unchecked, that one of our own URLs names; None for any other URL.

        The query is ignored. Raises InvalidInput for what is not a URL.
        """
        key = self._bucket.key(url) if self._bucket else None
        return self._gateway_key(url) if key is None else key

    def _gateway_key(self, url: str) -> str | None:
        target = parse_target(url)
        path = target.path.partition("?")[0]
        ours = (target.scheme, target.host, target.port) in self._origins
        return unquote(path.removeprefix(self._path)) if ours and self._is_object(path) else None

    def _is_object(self, path: str) -> bool:
        return path.startswith(self._path)
