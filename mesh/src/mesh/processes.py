"""The processes of the mesh: what runs, where it listens and how it is asked for life."""

import sys
from collections.abc import Mapping
from signal import SIGINT

from mesh.ports import Listen
from mesh.probes import GrpcProbe, HttpProbe
from mesh.process import Process
from mesh.settings import MeshSettings

LOOPBACK = "127.0.0.1"


def mesh_processes(settings: MeshSettings, environment: Mapping[str, str]) -> list[Process]:
    """List the mesh's processes; each comes after those that it calls."""
    env = {
        **environment,
        "FACET_DATA_DIR": str(settings.facet_data_dir),
        "PUBLIC_BASE_URL": settings.public_base_url or f"http://localhost:{settings.port}",
        # Idle OpenMP threads spin, and several processes share the cores.
        "OMP_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
    }
    store = [] if settings.milvus_uri else [_milvus(settings, env)]
    return [*store, _vision_models(settings, env), _search(settings, env), _gateway(settings, env)]


def _milvus(settings: MeshSettings, env: Mapping[str, str]) -> Process:
    address = ("--host", LOOPBACK, "--port", str(settings.milvus_port))
    data = ("--data-dir", str(settings.facet_data_dir / "milvus"))
    return Process(
        name="milvus",
        argv=(sys.executable, "-m", "milvus_lite", "server", *data, *address),
        env=env,
        listens=(Listen("MILVUS_PORT", LOOPBACK, settings.milvus_port),),
        # The kernel accepts connections for a frozen process, so it must answer a call; it
        # serves no health, and its refusal of the call is an answer.
        probe=GrpcProbe(f"{LOOPBACK}:{settings.milvus_port}", any_answer=True),
        # Only an interrupt makes it drain and close its files.
        stop_signal=SIGINT,
    )


def _vision_models(settings: MeshSettings, env: Mapping[str, str]) -> Process:
    return _grpc_service(
        "vision-models",
        ("vision_models",),
        Listen("VISION_PORT", LOOPBACK, settings.vision_port),
        Listen("VISION_METRICS_PORT", LOOPBACK, settings.vision_metrics_port),
        env,
    )


def _search(settings: MeshSettings, env: Mapping[str, str]) -> Process:
    store = {
        "MILVUS_URI": f"http://{LOOPBACK}:{settings.milvus_port}",
        "VECTOR_INDEX": "matrix",
    }
    if settings.milvus_uri:
        store = {"MILVUS_URI": settings.milvus_uri}
    return _grpc_service(
        "search",
        ("search", "migrate", "serve"),
        Listen("SEARCH_PORT", LOOPBACK, settings.search_port),
        Listen("SEARCH_METRICS_PORT", LOOPBACK, settings.search_metrics_port),
        {**env, **store, "VISION_TARGET": f"{LOOPBACK}:{settings.vision_port}"},
    )


def _grpc_service(
    name: str, program: tuple[str, ...], serves: Listen, metrics: Listen, env: Mapping[str, str]
) -> Process:
    return Process(
        name=name,
        argv=(sys.executable, "-m", *program),
        env={
            **env,
            "HOST": serves.host,
            "PORT": str(serves.port),
            "METRICS_PORT": str(metrics.port),
        },
        listens=(serves, metrics),
        probe=GrpcProbe(f"{serves.host}:{serves.port}"),
    )


def _gateway(settings: MeshSettings, env: Mapping[str, str]) -> Process:
    return Process(
        name="gateway",
        argv=(sys.executable, "-m", "gateway"),
        env={
            **env,
            "HOST": settings.host,
            "PORT": str(settings.port),
            "VISION_TARGET": f"{LOOPBACK}:{settings.vision_port}",
            "SEARCH_TARGET": f"{LOOPBACK}:{settings.search_port}",
        },
        listens=(Listen("PORT", settings.host, settings.port),),
        probe=HttpProbe(settings.local_host, settings.port, "/healthz"),
    )
