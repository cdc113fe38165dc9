import re
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct

from facet.jobs.v1 import jobs_pb2
from facetkit.errors import Conflict, NotReady
from tests.gateway.fake_jobs import (
    CANCELLED,
    FAILED,
    JOB_ID,
    QUEUED,
    RUNNING,
    SUCCEEDED,
    a_job,
)
from tests.gateway.running import Gateway

VERBS = {
    "cancel": jobs_pb2.CancelJobRequest,
    "resume": jobs_pb2.ResumeJobRequest,
    "retry-failed": jobs_pb2.RetryFailedJobRequest,
}
SUMMARY = {
    "job_id": JOB_ID,
    "kind": "synchronisation",
    "state": "running",
    "done": 1,
    "total": 2,
    "failed_count": 1,
    "result": None,
    "error": None,
    "created_at": "2024-05-06T07:08:09Z",
    "updated_at": "2024-05-06T07:08:10Z",
}
JOB = SUMMARY | {"failed": [{"item": "a.jpg", "error": "damaged", "code": "unprocessable"}]}


def an_id(number: int, owner: str = "sync") -> str:
    return f"{owner}_01920c5e-7b1a-7c3d-9e4f-{number:012x}"


async def test_a_job(gateway: Gateway) -> None:
    await gateway.jobs.put(a_job())
    answer = await gateway.http.get(f"/api/jobs/{JOB_ID}")
    assert (answer.status_code, answer.json()) == (200, JOB)


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (QUEUED, "queued"),
        (RUNNING, "running"),
        (SUCCEEDED, "succeeded"),
        (FAILED, "failed"),
        (CANCELLED, "cancelled"),
    ],
)
async def test_states(gateway: Gateway, state: Any, told: str) -> None:
    await gateway.jobs.put(a_job(state=state))
    assert (await gateway.http.get(f"/api/jobs/{JOB_ID}")).json()["state"] == told


async def test_outcomes_keep_whole_numbers(gateway: Gateway) -> None:
    result = Struct()
    result.update({"added": 3, "share": 0.5, "by": {"keys": [1, "a", None, True]}})
    error = jobs_pb2.JobError(code="unavailable", message="the store is away")
    await gateway.jobs.put(a_job(state=FAILED, result=result, error=error))
    answer = await gateway.http.get(f"/api/jobs/{JOB_ID}")
    assert answer.json()["result"] == {
        "added": 3,
        "share": 0.5,
        "by": {"keys": [1, "a", None, True]},
    }
    assert re.search(r'"added":3[,}]', answer.text)
    assert answer.json()["error"] == {"error": "the store is away", "code": "unavailable"}


@pytest.mark.parametrize("verb", VERBS)
async def test_steering(gateway: Gateway, verb: str) -> None:
    await gateway.jobs.put(a_job(state=QUEUED))
    answer = await gateway.http.post(f"/api/jobs/{JOB_ID}/{verb}")
    assert (answer.status_code, answer.json()) == (200, JOB | {"state": "queued"})
    assert gateway.jobs.requests == [VERBS[verb](job_id=JOB_ID)]


@pytest.mark.parametrize("verb", VERBS)
async def test_a_state_that_does_not_allow_it(gateway: Gateway, verb: str) -> None:
    gateway.jobs.fails_with = Conflict("the job is succeeded")
    answer = await gateway.http.post(f"/api/jobs/{JOB_ID}/{verb}")
    assert answer.status_code == 409
    assert (answer.json()["error"], answer.json()["code"]) == ("the job is succeeded", "conflict")


PATHS = [("GET", ""), ("GET", "/events"), *(("POST", f"/{verb}") for verb in VERBS)]


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_a_service_that_is_not_ready(gateway: Gateway, method: str, path: str) -> None:
    gateway.jobs.fails_with = NotReady("the service is starting")
    answer = await gateway.http.request(method, f"/api/jobs/{JOB_ID}{path}")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_a_job_that_is_not_there(gateway: Gateway, method: str, path: str) -> None:
    answer = await gateway.http.request(method, f"/api/jobs/{JOB_ID}{path}")
    assert answer.status_code == 404
    assert answer.json()["fields"].keys() == {"job_id"}


@pytest.mark.parametrize(
    "job_id",
    [
        an_id(1, "cat"),
        an_id(1, ""),
        an_id(1, "SYNC"),
        "sync",
        "sync_",
        "sync_1",
        f"{JOB_ID}0",
        f"{JOB_ID}%0A",
        f"%20{JOB_ID}",
        JOB_ID.replace("7c3d", "7C3D"),
        "x" * 5000,
    ],
)
async def test_ids_that_no_service_has(gateway: Gateway, job_id: str) -> None:
    for method, path in PATHS:
        answer = await gateway.http.request(method, f"/api/jobs/{job_id}{path}")
        assert answer.status_code == 404
        assert answer.json()["error"] == "there is no such job"
        assert answer.json()["fields"] == {"job_id": "is unknown"}
    assert not gateway.jobs.requests


async def test_jobs_newest_first_page_by_page(gateway: Gateway) -> None:
    for number in (2, 3, 1):
        await gateway.jobs.put(a_job(job_id=an_id(number)))
    first = (await gateway.http.get("/api/jobs", params={"limit": 2})).json()
    assert [job["job_id"] for job in first["jobs"]] == [an_id(3), an_id(2)]
    assert first["next"] == an_id(2)
    second = await gateway.http.get("/api/jobs", params={"limit": 2, "before": first["next"]})
    assert second.json() == {"jobs": [SUMMARY | {"job_id": an_id(1)}], "next": None}


async def test_by_default_twenty(gateway: Gateway) -> None:
    await gateway.http.get("/api/jobs")
    assert gateway.jobs.requests == [jobs_pb2.ListJobsRequest(limit=20)]


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"limit": "0"}, "'limit' must be at least 1"),
        ({"limit": "101"}, "'limit' must be at most 100"),
        ({"limit": "few"}, "'limit' must be a whole number"),
        ({"limit": "1" + "0" * 30}, "'limit' must be at most 100"),
        ({"before": ""}, "'before' must be the id of a job"),
        ({"before": "yesterday"}, "'before' must be the id of a job"),
        ({"before": an_id(1, "cat")}, "'before' must be the id of a job"),
    ],
)
async def test_bad_pages(gateway: Gateway, query: dict[str, str], error: str) -> None:
    answer = await gateway.http.get("/api/jobs", params=query)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert answer.json()["fields"].keys() == query.keys()
    assert not gateway.jobs.requests


@pytest.mark.parametrize(
    ("query", "force"),
    [("", False), ("?force=true", True), ("?force=0", False), ("?force=1", True)],
)
async def test_a_synchronisation_is_a_job(gateway: Gateway, query: str, force: bool) -> None:
    gateway.search.job.CopyFrom(a_job(state=QUEUED))
    answer = await gateway.http.post(f"/api/search/sync{query}")
    assert (answer.status_code, answer.json()) == (202, JOB | {"state": "queued"})
    assert answer.headers["Location"] == f"/api/jobs/{JOB_ID}"
    assert [request.force for request in gateway.search.requests] == [force]


@pytest.mark.parametrize("force", ["", "maybe", "2"])
async def test_force_is_true_or_false(gateway: Gateway, force: str) -> None:
    answer = await gateway.http.post("/api/search/sync", params={"force": force})
    assert answer.status_code == 400
    assert answer.json()["error"] == "'force' must be true or false"
    assert not gateway.search.requests


async def test_another_synchronisation_is_active(gateway: Gateway) -> None:
    gateway.search.fails_with = Conflict("another synchronisation is active")
    answer = await gateway.http.post("/api/search/sync")
    assert answer.status_code == 409
