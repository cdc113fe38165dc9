"""Refuses to start where a port is taken, and says who holds it."""

import errno
import socket
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass

from mesh.errors import CannotStart
from mesh.port_holder import port_holder


@dataclass(frozen=True)
class Listen:
    """An address where a process will listen, and the setting that names its port."""

    setting: str
    host: str
    port: int


def check_ports(listens: Iterable[Listen]) -> None:
    """Bind every address for a moment; CannotStart names the first that cannot be bound."""
    seen: dict[int, str] = {}
    with ExitStack() as bound:
        for listen in listens:
            if listen.port in seen:
                both = f"{seen[listen.port]} and {listen.setting}"
                raise CannotStart(f"{both} both name port {listen.port}; change one of them")
            seen[listen.port] = listen.setting
            bound.enter_context(_bind(listen))


def _bind(listen: Listen) -> socket.socket:
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            listen.host, listen.port, type=socket.SOCK_STREAM
        )[0]
    except OSError as error:
        raise CannotStart(f"HOST={listen.host} is not an address: {error.strerror}") from error
    server = socket.socket(family, kind, proto)
    try:
        # Connections that lately ended do not count as a taken port.
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(address)
    except OSError as error:
        server.close()
        raise CannotStart(_refusal(listen, error)) from error
    return server


def _refusal(listen: Listen, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        holder = port_holder(listen.port)
        by = f" by {holder}" if holder else ""
        return (
            f"port {listen.port} is taken{by}; "
            f"stop that process or set {listen.setting} to another port"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return f"HOST={listen.host} is no address of this machine"
    return f"cannot listen on port {listen.port} ({listen.setting}): {error.strerror}"
