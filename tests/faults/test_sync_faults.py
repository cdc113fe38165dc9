"""Synchronisation through kills, and buckets that misbehave."""

import asyncio
import io
import random
from collections import Counter
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image

from facet.jobs.v1 import jobs_pb2
from tests.faults.search_process import SearchMesh
from tests.s3_server import (
    ACCESS_KEY_ID,
    SECRET_ACCESS_KEY,
    FaultProxy,
    S3Server,
    fault_proxy,
)

pytestmark = pytest.mark.slow

OBJECTS = 2000
KILLS = 10
IN_FLIGHT = 64 + 2 * 16
"""One batch, and what is being downloaded or embedded for the next."""


def picture(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((96, 96)).save(buffer, "JPEG")
    return buffer.getvalue()


def put(s3: S3Server, bucket: str, objects: dict[str, bytes]) -> None:
    def some(part: list[str]) -> None:
        for key in part:
            connection = HTTPConnection("127.0.0.1", s3.port)
            connection.request("PUT", f"/{bucket}/{quote(key)}", objects[key])
            assert connection.getresponse().read() == b""
            connection.close()

    keys = list(objects)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(some, (keys[start::8] for start in range(8))))


@asynccontextmanager
async def searching(folder: Path, proxy: FaultProxy, bucket: str) -> AsyncIterator[SearchMesh]:
    mesh = SearchMesh(
        folder,
        S3_BUCKET=bucket,
        S3_ENDPOINT_URL=proxy.url,
        AWS_REGION="us-east-1",
        AWS_ACCESS_KEY_ID=ACCESS_KEY_ID,
        AWS_SECRET_ACCESS_KEY=SECRET_ACCESS_KEY,
    )
    try:
        yield await asyncio.to_thread(mesh.start)
    finally:
        await asyncio.to_thread(mesh.stop)


def downloads(proxy: FaultProxy) -> Counter[str]:
    lines = (line.split(" ") for line in proxy.requests)
    return Counter(path for verb, path, _ in lines if verb == "GET" and "list-type" not in path)


async def kill_in_the_middle(mesh: SearchMesh, job_id: str) -> bool:
    """Kills search once the job has gone on for a random while; false when it has ended."""
    job = await asyncio.to_thread(mesh.job, job_id)
    begun = job.done
    while job.state == jobs_pb2.JOB_STATE_RUNNING and job.done <= begun:
        await asyncio.sleep(0.05)
        job = await asyncio.to_thread(mesh.job, job_id)
    await asyncio.sleep(random.uniform(0, 1))
    if (await asyncio.to_thread(mesh.job, job_id)).state != jobs_pb2.JOB_STATE_RUNNING:
        return False
    mesh.search.kill()
    mesh.search.start()
    return True


async def test_ten_kills_lose_nothing_and_download_little_twice(
    s3_server: S3Server, tmp_path: Path
) -> None:
    bucket = s3_server.bucket()
    objects = {f"shop/{number:05}.jpg": picture(number) for number in range(OBJECTS)}
    await asyncio.to_thread(put, s3_server, bucket, objects)
    kills = 0
    async with fault_proxy(s3_server) as proxy, searching(tmp_path, proxy, bucket) as mesh:
        job_id = (await asyncio.to_thread(mesh.synchronise)).job_id
        while kills < KILLS and await kill_in_the_middle(mesh, job_id):
            kills += 1
        job = await asyncio.to_thread(mesh.wait, job_id)
        told = await asyncio.to_thread(mesh.statistics)
        twice = sum(downloads(proxy).values()) - OBJECTS
        print(f"{kills} kills: {job.done} of {job.total} done, {told.images} images, ", end="")
        print(f"{told.matrix_images} in the matrix, {told.keys} keys, {twice} downloads too many")
        assert job.state == jobs_pb2.JOB_STATE_SUCCEEDED, job
        assert (job.done, job.total, job.failed_count) == (OBJECTS, OBJECTS, 0)
        assert (told.images, told.matrix_images, told.keys) == (OBJECTS, OBJECTS, OBJECTS)
        assert kills == KILLS
        assert twice <= kills * IN_FLIGHT
        before = sum(downloads(proxy).values())
        again = await asyncio.to_thread(
            mesh.wait, (await asyncio.to_thread(mesh.synchronise)).job_id
        )
        assert sum(downloads(proxy).values()) == before
        assert again.result["unchanged"] == OBJECTS
