"""`python -m mesh`: run the mesh in this folder."""

import asyncio
import signal
import sys
from contextlib import suppress

from mesh.banner import banner
from mesh.errors import CannotStart
from mesh.lock import data_dir_lock
from mesh.ports import check_ports
from mesh.process import Process
from mesh.processes import mesh_processes
from mesh.readiness import Readiness
from mesh.settings import MeshSettings, read_environment, read_settings
from mesh.supervisor import Supervisor


def say(line: str) -> None:
    """Print a line; a closed terminal is no reason to fall."""
    with suppress(OSError):
        print(line, flush=True)


async def run(settings: MeshSettings, processes: list[Process]) -> int:
    """Run the processes and announce the mesh when it is ready."""

    async def announce() -> None:
        model_set = await Readiness(settings.local_host, settings.port, say).wait()
        say(banner(settings, model_set))

    supervisor = Supervisor(processes, settings.facet_data_dir / "logs", say, announce)
    try:
        return await supervisor.run()
    finally:
        for process in processes:
            if process.probe is not None:
                await process.probe.close()


def main() -> int:
    """Run until stopped; return the exit code."""
    # Until the supervisor takes it over, an interrupt just ends this process.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        settings = read_settings()
        with data_dir_lock(settings.facet_data_dir):
            processes = mesh_processes(settings, read_environment())
            check_ports(listen for process in processes for listen in process.listens)
            return asyncio.run(run(settings, processes))
    except CannotStart as refusal:
        print(f"cannot start: {refusal}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
