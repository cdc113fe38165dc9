"""Runs a Supervisor over the fake services that a JSON file lists: `run_supervisor.py FILE`."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from mesh.probes import GrpcProbe, HttpProbe, Probe
from mesh.process import Process
from mesh.readiness import Readiness
from mesh.settings import read_environment
from mesh.supervisor import Supervisor
from mesh.timings import Timings

FAKE = str(Path(__file__).with_name("fake_service.py"))


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


class SaidOnce:
    """A probe that says when its process was live for the first time."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._said = False

    async def alive(self, timeout_s: float) -> bool:
        answer = await self._probe.alive(timeout_s)
        if answer and not self._said:
            self._said = True
            say("live")
        return answer

    async def close(self) -> None:
        await self._probe.close()


def probe_of(kind: str, args: list[str]) -> Probe | None:
    if kind in ("grpc", "grpc-without-health"):
        target = f"127.0.0.1:{args[0]}"
        return SaidOnce(GrpcProbe(target, any_answer=kind == "grpc-without-health"))
    if kind in ("http", "unanswered"):
        return SaidOnce(HttpProbe("127.0.0.1", int(args[0]), "/healthz"))
    return None


async def main(plan: dict[str, Any], logs: Path) -> int:
    processes = [
        Process(
            name, (sys.executable, FAKE, kind, *args), read_environment(), (), probe_of(kind, args)
        )
        for name, kind, *args in plan["processes"]
    ]

    async def announce() -> None:
        if plan["ready_port"]:
            readiness = Readiness("127.0.0.1", plan["ready_port"], say, 0.05, remind_every_s=0.0)
            await readiness.wait()
        say("announced")

    supervisor = Supervisor(processes, logs, say, announce, Timings(**plan["timings"]))
    try:
        return await supervisor.run()
    finally:
        for process in processes:
            if process.probe is not None:
                await process.probe.close()


if __name__ == "__main__":
    plan_file = Path(sys.argv[1])
    sys.exit(asyncio.run(main(json.loads(plan_file.read_text()), plan_file.parent / "logs")))
