"""Search, vision-models and Milvus Lite as processes of their own, without a supervisor."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import grpc

from facet.jobs.v1 import jobs_pb2, jobs_pb2_grpc
from facet.search.v1 import search_pb2, search_pb2_grpc
from tests.ports import free_ports

FINAL = (jobs_pb2.JOB_STATE_SUCCEEDED, jobs_pb2.JOB_STATE_FAILED, jobs_pb2.JOB_STATE_CANCELLED)


class Process:
    """`python -m …`, with its output in a file."""

    def __init__(self, program: list[str], log: Path, environment: dict[str, str]) -> None:
        self._program, self._log = program, log
        inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self._environment = inherited | environment
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it."""
        with self._log.open("ab") as output:
            self._running = subprocess.Popen(
                [sys.executable, "-m", *self._program],
                env=self._environment,
                stdout=output,
                stderr=output,
            )

    def kill(self) -> None:
        """kill -9."""
        if self._running is not None:
            self._running.kill()
            self._running.wait(30)
            self._running = None


class SearchMesh:
    """What synchronisation needs, over `variables`; `search` may be killed and started again."""

    def __init__(self, folder: Path, **variables: str) -> None:
        vision, search, milvus = (str(port) for port in free_ports(3))
        common = {"FACET_DATA_DIR": str(folder), "OMP_NUM_THREADS": "1"} | variables
        lite = ["milvus_lite", "server", "--data-dir", str(folder / "milvus")]
        self.milvus = Process(
            [*lite, "--host", "127.0.0.1", "--port", milvus], folder / "milvus.log", common
        )
        self.vision = Process(
            ["vision_models"],
            folder / "vision.log",
            common | {"PORT": vision, "EMBEDDING_CACHE_ITEMS": "0"},
        )
        store = {"MILVUS_URI": f"http://127.0.0.1:{milvus}", "VECTOR_INDEX": "matrix"}
        self.search = Process(
            ["search", "migrate", "serve"],
            folder / "search.log",
            common | store | {"PORT": search, "VISION_TARGET": f"127.0.0.1:{vision}"},
        )
        self._channel = _channel(f"127.0.0.1:{search}")
        self._stub: Any = search_pb2_grpc.SearchServiceStub(self._channel)
        self._jobs: Any = jobs_pb2_grpc.JobsServiceStub(self._channel)

    def start(self) -> "SearchMesh":
        """Starts everything and returns when it answers."""
        for process in (self.milvus, self.vision, self.search):
            process.start()
        self.statistics()
        return self

    def stop(self) -> None:
        """Ends everything."""
        self._channel.close()
        for process in (self.search, self.vision, self.milvus):
            process.kill()

    def synchronise(self, *, force: bool = False) -> jobs_pb2.Job:
        """Begins a synchronisation."""
        request = search_pb2.SyncImagesRequest(force=force)
        job: jobs_pb2.Job = self._stub.SyncImages(request, timeout=60, wait_for_ready=True).job
        return job

    def job(self, job_id: str) -> jobs_pb2.Job:
        """A job as it is now; waits for search to be there."""
        request = jobs_pb2.GetJobRequest(job_id=job_id)
        job: jobs_pb2.Job = self._until_ready(self._jobs.GetJob, request).job
        return job

    def wait(self, job_id: str, timeout_s: float = 300) -> jobs_pb2.Job:
        """The job in its final state."""
        ends_at = time.monotonic() + timeout_s
        while (job := self.job(job_id)).state not in FINAL:
            assert time.monotonic() < ends_at, job
            time.sleep(0.2)
        return job

    def statistics(self) -> search_pb2.GetStatisticsResponse:
        """Counts of the index; waits for search to be ready."""
        request = search_pb2.GetStatisticsRequest()
        told: search_pb2.GetStatisticsResponse = self._until_ready(
            self._stub.GetStatistics, request
        )
        return told

    def _until_ready(self, method: Any, request: Any) -> Any:
        ends_at = time.monotonic() + 120
        while True:
            try:
                return method(request, timeout=10, wait_for_ready=True)
            except grpc.RpcError:
                if time.monotonic() > ends_at:
                    raise
                time.sleep(0.1)


def _channel(target: str) -> Any:
    # The stubs are typed for asyncio alone.
    return grpc.insecure_channel(target)
