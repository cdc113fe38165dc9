"""Everything that `make bench-captions` measures, started and stopped."""

import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from bench.caption_route import HOST, CaptionRoute
from bench.raw_captioner import RawCaptioner
from tests.ports import free_ports
from tests.redis_server import RedisServer
from vision_models.models import device

MAX_NEW_TOKENS = 20


@dataclass(frozen=True, slots=True)
class Sides:
    """The mesh with its Redis, the gateway before an echo, and the raw loop in `dtype`."""

    mesh: CaptionRoute
    metrics_url: str
    redis: RedisServer
    echo: CaptionRoute
    raw: RawCaptioner
    dtype: str

    def batches(self) -> int:
        """Batches that captioners have computed so far."""
        with urllib.request.urlopen(self.metrics_url, timeout=10) as answer:
            text = answer.read().decode()
        return sum(
            int(sample.value)
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == "vision_batch_size_count" and sample.labels["family"] == "caption"
        )

    def redis_cpu_s(self) -> float:
        """User and system seconds of Redis so far."""
        cpu = self.redis.command("INFO", "cpu")
        return float(cpu["used_cpu_user"]) + float(cpu["used_cpu_sys"])


def start(stack: ExitStack, model: Path, data_dir: Path) -> Sides:
    """Starts everything; both routes are held."""
    dtype = str(device.place("cpu", "auto").dtype).removeprefix("torch.")
    redis = RedisServer()
    stack.callback(redis.remove)
    redis.start()
    raw = RawCaptioner(model, dtype, MAX_NEW_TOKENS)
    stack.callback(raw.stop)
    vision_port, metrics_port, echo_port = free_ports(3)
    variables = {
        "FACET_MODELS": "full",
        "FACET_DATA_DIR": str(data_dir),
        "VISION_FAMILIES": "caption",
        "VISION_DEVICE": "cpu",
        "BLIP_MODEL": str(model.resolve()),
        "CAPTION_MAX_NEW_TOKENS": str(MAX_NEW_TOKENS),
        "REDIS_HOST": HOST,
        "REDIS_PORT": str(redis.port),
    }
    own = {"PORT": str(vision_port), "METRICS_PORT": str(metrics_port)}
    mesh = CaptionRoute("mesh", ("vision_models",), variables | own, vision_port)
    stack.callback(mesh.stop)
    echo = CaptionRoute("echo", ("bench.caption_echo", str(echo_port)), variables, echo_port)
    stack.callback(echo.stop)
    for route in (mesh, echo):
        route.wait_ready()
        route.hold()
    metrics_url = f"http://{HOST}:{metrics_port}/metrics"
    return Sides(mesh, metrics_url, redis, echo, raw, dtype)
