"""Which URLs of callers may be fetched, and at which addresses."""

import asyncio
import re
import socket
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Protocol
from urllib.parse import quote, urljoin, urlsplit

import idna
import structlog

from facetkit.errors import InvalidInput

Address = IPv4Address | IPv6Address

MAX_URL_LENGTH = 2048

_DEFAULT_PORTS = {"http": 80, "https": 443}
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^][:@%]+)(?::([0-9]{1,5})?)?")
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
_TARGET_SAFE = "%/:?#[]@!$&'()*+,;=~"

_GLOBAL_UNICAST_V6 = ip_network("2000::/3")
# What `is_global` of some supported Python versions lets through.
_NEVER_PUBLIC = tuple(
    ip_network(block)
    for block in (
        "100.64.0.0/10",
        "168.63.129.16/32",  # Azure's platform services answer here, from inside only
        "192.0.0.0/24",
        "192.88.99.0/24",
        "224.0.0.0/4",
        "2001::/23",  # holds Teredo, which wraps an IPv4 address
        "2001:db8::/32",
        "2002::/16",  # 6to4 wraps an IPv4 address
        "3fff::/20",
    )
)

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


class Resolver(Protocol):
    """Turns a host name into IP addresses."""

    async def resolve(self, host: str, port: int) -> list[str]:
        """Every A and AAAA address of `host`; raises OSError if there is none."""


class SystemResolver:
    """Asks the operating system."""

    async def resolve(self, host: str, port: int) -> list[str]:
        """Every A and AAAA address of `host`; raises OSError if there is none."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return [str(sockaddr[0]) for *_, sockaddr in found]


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart, once: what is checked is what is connected to.

    `host` is lower-case ASCII without brackets, `path` an ASCII path with its query.
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def host_port(self) -> str:
        """`host:port`, an IPv6 host in brackets."""
        return f"{self._bracketed}:{self.port}"

    @property
    def authority(self) -> str:
        """What the Host header says: the port only where it is not the scheme's own."""
        return self._bracketed if self.port == _DEFAULT_PORTS[self.scheme] else self.host_port

    @property
    def url(self) -> str:
        """The whole URL again, without its fragment."""
        return f"{self.scheme}://{self.authority}{self.path}"

    @property
    def _bracketed(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


def parse_target(url: str, base: Target | None = None) -> Target:
    """Take `url` apart, relative to `base` if given; raises InvalidInput."""
    if len(url) > MAX_URL_LENGTH:
        raise InvalidInput(f"the URL is longer than {MAX_URL_LENGTH} characters")
    # Parsers disagree about these, so they go before any parser sees them.
    if not url.isprintable() or " " in url or "\\" in url:
        raise InvalidInput("the URL holds a character that is not allowed")
    try:
        parts = urlsplit(urljoin(base.url, url) if base else url)
    except ValueError as error:
        raise InvalidInput("the URL is not valid") from error
    if parts.scheme not in _DEFAULT_PORTS:
        raise InvalidInput("the URL must be http or https")
    if "@" in parts.netloc:
        raise InvalidInput("the URL must not hold a user name or password")
    host, port = _split_authority(parts.netloc)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(
        parts.scheme,
        host,
        _DEFAULT_PORTS[parts.scheme] if port is None else port,
        quote(path, safe=_TARGET_SAFE),
    )


def _split_authority(netloc: str) -> tuple[str, int | None]:
    match = _AUTHORITY.fullmatch(netloc)
    if not match:
        raise InvalidInput("the URL's host is not valid")
    host, port = match.groups()
    return _plain_host(host), int(port) if port else None


def _plain_host(host: str) -> str:
    try:
        if host.startswith("["):
            return str(IPv6Address(host[1:-1]))
        if not host.isascii():
            host = idna.encode(host, uts46=True).decode("ascii")
    except ValueError as error:
        raise InvalidInput("the URL's host is not valid") from error
    host = host.lower().removesuffix(".")
    if not _HOST.fullmatch(host):
        raise InvalidInput("the URL's host is not valid")
    return host


def is_public(address: Address) -> bool:
    """Whether `address` is one host on the public internet.

    IPv6 forms that wrap an IPv4 address (mapped, compatible, 6to4, Teredo, NAT64) are not.
    """
    if address.version == 6 and address not in _GLOBAL_UNICAST_V6:
        return False
    return address.is_global and not any(address in block for block in _NEVER_PUBLIC)


class AddressPolicy:
    """Says where a target may be connected to.

    `allow` names exact `host:port` pairs that may use any port and any address.
    """

    def __init__(self, allow: Collection[str], resolver: Resolver) -> None:
        self._allow = frozenset(pair.lower() for pair in allow)
        self._resolver = resolver

    async def addresses(self, target: Target) -> list[str]:
        """The addresses of `target`, all checked, at least one; raises InvalidInput."""
        allowed = target.host_port in self._allow
        if not allowed and target.port not in _DEFAULT_PORTS.values():
            raise InvalidInput("the URL's port must be 80 or 443")
        found = await self._resolved(target)
        if not allowed and not all(is_public(address) for address in found):
            _log.info("fetch_refused", host=target.host, addresses=[str(each) for each in found])
            raise InvalidInput("the URL's address is not public")
        return [str(address) for address in found]

    async def _resolved(self, target: Target) -> list[Address]:
        try:
            return [ip_address(target.host)]
        except ValueError:
            pass
        try:
            names = await self._resolver.resolve(target.host, target.port)
            found = [ip_address(name) for name in dict.fromkeys(names)]
        except (OSError, ValueError) as error:
            _log.info("fetch_unresolved", host=target.host, error=str(error))
            raise InvalidInput("the URL's host cannot be resolved") from error
        if not found:
            raise InvalidInput("the URL's host cannot be resolved")
        return found
