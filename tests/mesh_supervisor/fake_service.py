"""A process for the supervisor to run: `fake_service.py KIND ARGUMENT …`."""

# ruff: noqa: T201 - what it prints is its log
import http.server
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from grpc_health.v1.health import HealthServicer
from grpc_health.v1.health_pb2 import HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server


def serve_grpc(port: str, *, health: bool = True) -> None:
    server = grpc.server(ThreadPoolExecutor(2))
    if health:
        servicer = HealthServicer()
        servicer.set("liveness", HealthCheckResponse.SERVING)
        add_HealthServicer_to_server(servicer, server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


def serve_grpc_without_health(port: str) -> None:
    serve_grpc(port, health=False)


def serve_http(port: str, not_ready_answers: str) -> None:
    left = int(not_ready_answers)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            nonlocal left
            ready = self.path != "/readyz" or left <= 0
            left -= self.path == "/readyz"
            services = {"vision-models": {"state": "starting", "reason": "weights are loading"}}
            self.send_response(200 if ready else 503)
            self.end_headers()
            self.wfile.write(json.dumps({"ready": ready, "services": services}).encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()


def sleep(*_: str) -> None:
    time.sleep(3600)


def ignore_stop(*_: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("ignoring", flush=True)
    sleep()


def with_grandchild(*_: str) -> None:
    grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    print(f"grandchild {grandchild.pid}", flush=True)
    sleep()


def note_stop(order_file: str, name: str) -> None:
    def stop(*_: object) -> None:
        with Path(order_file).open("a") as file:
            file.write(f"{name}\n")
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    print("noting", flush=True)
    sleep()


def crash(lines: str) -> None:
    for number in range(int(lines)):
        print(f"last words {number}", flush=True)
    sys.exit(3)


def print_env(*names: str) -> None:
    print(json.dumps({name: os.environ.get(name) for name in names}), flush=True)
    sleep()


KINDS: dict[str, Callable[..., None]] = {
    "grpc": serve_grpc,
    "grpc-without-health": serve_grpc_without_health,
    "http": serve_http,
    "sleep": sleep,
    "unanswered": sleep,
    "ignore-stop": ignore_stop,
    "grandchild": with_grandchild,
    "note-stop": note_stop,
    "crash": crash,
    "env": print_env,
}

if __name__ == "__main__":
    print(f"pid {os.getpid()}", flush=True)
    KINDS[sys.argv[1]](*sys.argv[2:])
