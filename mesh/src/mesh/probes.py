"""How a process is asked whether it is alive."""

from http import HTTPStatus
from typing import Protocol

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from mesh.http_get import http_get

Check = grpc.aio.UnaryUnaryMultiCallable[HealthCheckRequest, HealthCheckResponse]
CHANNEL_OPTIONS = (
    ("grpc.enable_http_proxy", 0),
    # One small call each two seconds: none of this pays.
    ("grpc.enable_retries", 0),
    ("grpc.http2.bdp_probe", 0),
    ("grpc.service_config_disable_resolution", 1),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 1000),
)


class Probe(Protocol):
    """Asks one process whether it is alive."""

    async def alive(self, timeout_s: float) -> bool:
        """Whether the process answers in time."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class GrpcProbe:
    """Asks the standard health service for `liveness`.

    `any_answer` is for servers without a health service: that they refuse the call is enough.
    """

    def __init__(self, target: str, *, any_answer: bool = False) -> None:
        self._target = target
        self._any_answer = any_answer
        self._channel: grpc.aio.Channel | None = None
        self._check: Check | None = None

    async def alive(self, timeout_s: float) -> bool:
        """Whether the process answers in time that it serves."""
        # A channel belongs to the running loop, so it is opened at the first question.
        check = self._check = self._check or self._open()
        try:
            answer = await check(HealthCheckRequest(service="liveness"), timeout=timeout_s)
        except grpc.aio.AioRpcError as error:
            return self._any_answer and error.code() == grpc.StatusCode.UNIMPLEMENTED
        return bool(answer.status == HealthCheckResponse.SERVING)

    async def close(self) -> None:
        """Close the channel."""
        if self._channel is not None:
            await self._channel.close()

    def _open(self) -> Check:
        self._channel = grpc.aio.insecure_channel(self._target, options=CHANNEL_OPTIONS)
        return self._channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=HealthCheckRequest.SerializeToString,
            response_deserializer=HealthCheckResponse.FromString,
        )


class HttpProbe:
    """Asks for a page that answers 200 as long as the process serves."""

    def __init__(self, host: str, port: int, path: str) -> None:
        self._host = host
        self._port = port
        self._path = path

    async def alive(self, timeout_s: float) -> bool:
        """Whether the page answers 200 in time."""
        try:
            status, _ = await http_get(self._host, self._port, self._path, timeout_s)
        except (OSError, ValueError):
            return False
        return status == HTTPStatus.OK

    async def close(self) -> None:
        """Nothing is kept open."""
