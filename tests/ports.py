"""Ports that nobody listens on."""

import socket

MESH_PORTS = (
    "PORT",
    "VISION_PORT",
    "SEARCH_PORT",
    "MILVUS_PORT",
    "VISION_METRICS_PORT",
    "SEARCH_METRICS_PORT",
)


def free_port() -> int:
    """A port that nobody listens on now."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """So many distinct ports that nobody listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def free_mesh_ports() -> dict[str, str]:
    """A free port for every port variable of the mesh."""
    ports = free_ports(len(MESH_PORTS))
    return dict(zip(MESH_PORTS, map(str, ports), strict=True))
