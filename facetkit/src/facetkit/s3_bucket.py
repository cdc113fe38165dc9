"""The URLs under which a bucket's objects can be read. Needs no library of S3."""

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from facetkit.addresses import Target, parse_target

_DNS_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_AWS = re.compile(r"s3(?:[.-][a-z0-9-]+){0,2}\.amazonaws\.com(?:\.cn)?")


@dataclass(frozen=True, slots=True)
class S3Bucket:
    """A bucket on AWS, or on the server at `endpoint_url`; callers reach it at `public_url`.

    Either URL may be empty.
    """

    name: str
    endpoint_url: str = ""
    public_url: str = ""

    def url(self, key: str, region: str) -> str:
        """The object's URL: below `public_url`, or with the bucket in its path or its host."""
        return f"{self._base(region)}/{quote(key)}"

    def key(self, url: str) -> str | None:
        """The key, unchecked, that one of the bucket's URLs names; None for any other URL.

        The query is ignored: it may be a signature. Raises InvalidInput for what is not a URL.
        """
        # Signatures can be longer than a URL may otherwise be.
        target = parse_target(re.split("[?#]", url, maxsplit=1)[0])
        path = self._public_path(target)
        if path is None:
            path = self._endpoint_path(target) if self.endpoint_url else self._aws_path(target)
        return unquote(path) if path else None

    def _base(self, region: str) -> str:
        if self.public_url:
            return self.public_url.rstrip("/")
        if self.endpoint_url:
            return f"{self.endpoint_url.rstrip('/')}/{self.name}"
        host = f"s3.{region}.amazonaws.com{'.cn' * region.startswith('cn-')}"
        # A dot in the name would not fit the certificate.
        virtual = _DNS_NAME.fullmatch(self.name)
        return f"https://{self.name}.{host}" if virtual else f"https://{host}/{self.name}"

    def _public_path(self, target: Target) -> str | None:
        return _below(target, parse_target(self.public_url)) if self.public_url else None

    def _endpoint_path(self, target: Target) -> str | None:
        endpoint = parse_target(self.endpoint_url)
        virtual = Target(
            endpoint.scheme, f"{self.name.lower()}.{endpoint.host}", endpoint.port, endpoint.path
        )
        path = _below(target, endpoint)
        return _below(target, virtual) if path is None else _in_bucket(path, self.name)

    def _aws_path(self, target: Target) -> str | None:
        if target.port not in {80, 443}:
            return None
        if _AWS.fullmatch(target.host):
            return _in_bucket(target.path[1:], self.name)
        host = target.host.removeprefix(f"{self.name.lower()}.")
        virtual = host != target.host and _AWS.fullmatch(host)
        return target.path[1:] if virtual else None


def _below(target: Target, base: Target) -> str | None:
    """What follows the base's path in the target's, or None."""
    start = f"{base.path.rstrip('/')}/"
    same = (target.scheme, target.host_port) == (base.scheme, base.host_port)
    return target.path.removeprefix(start) if same and target.path.startswith(start) else None


def _in_bucket(path: str, bucket: str) -> str | None:
    name, _, key = path.partition("/")
    return key if name == bucket else None
