"""The mesh's processes on free ports, for a benchmark."""

import os
import sys
from pathlib import Path

from bench.servers import Server
from tests.ports import free_mesh_ports

LOGS = Path("var/bench/logs")


class Mesh(Server):
    """`python -m mesh` on free ports, with `variables` over the environment.

    `vision_target` is where its vision-models serves gRPC.
    """

    def __init__(self, data_dir: Path, variables: dict[str, str]) -> None:
        ports = free_mesh_ports()
        self.vision_target = f"127.0.0.1:{ports['VISION_PORT']}"
        super().__init__(
            [sys.executable, "-m", "mesh"],
            os.environ | ports | {"FACET_DATA_DIR": str(data_dir)} | variables,
            url=f"http://127.0.0.1:{ports['PORT']}",
            ready="/readyz",
            log=LOGS / f"mesh-{data_dir.name}.log",
        )
