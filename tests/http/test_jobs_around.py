"""`/api/v1/admin/queues`, `schedules` and `workers`: what is around jobs."""

import httpx
import pytest

from revenge_adapters.wiring.sandbox import Sandbox
from revenge_core.auth.jobs import CleanUp
from revenge_core.background import JobState, Planned, Queue
from revenge_core.jobs.entities import WORKERS
from tests.errands import WORKER, a_schedule, enqueue, one_in, somebody_works
from tests.http.support import Connect, Party, pointers, problem

QUEUES = "/api/v1/admin/queues"
SCHEDULES = "/api/v1/admin/schedules"
NOON = "2026-01-01T12:00:00Z"
STRANGE = ["nothing", "%F0%9F%98%80", "'; drop table jobs; --", "x" * 200]


async def test_every_queue_shows_what_is_in_it(client: httpx.AsyncClient, box: Sandbox, root: Party) -> None:
    somebody_works(box)
    await enqueue(box)
    await one_in(box, JobState.COMPLETED)
    said = (await client.get(QUEUES, headers=root.headers)).json()
    queues = {queue["name"]: queue for queue in said["queues"]}
    assert list(queues) == sorted(Queue)
    assert queues["high"] == {
        "name": "high",
        "paused": False,
        "workers": WORKERS[Queue.HIGH],
        "counts": {"available": 1, "retryable": 0, "running": 0, "scheduled": 0},
        "oldest_available_at": NOON,
    }
    assert "oldest_available_at" not in queues["bulk"]


async def test_a_queue_is_paused_and_goes_on_and_twice_is_the_same_as_once(
    client: httpx.AsyncClient, box: Sandbox, root: Party
) -> None:
    await enqueue(box, Planned(job=CleanUp(), queue=Queue.HIGH))
    for _ in range(2):
        paused = await client.post(f"{QUEUES}/high/pause", headers=root.headers)
        assert (paused.status_code, paused.json()["paused"], paused.json()["paused_at"]) == (200, True, NOON)
        box.clock.advance(minutes=1)
    assert await box.jobs.run() == ()
    for _ in range(2):
        resumed = await client.post(f"{QUEUES}/high/resume", headers=root.headers)
        assert (resumed.status_code, resumed.json()["paused"]) == (200, False)
        assert "paused_at" not in resumed.json()
    assert len(await box.jobs.run()) == 1


@pytest.mark.parametrize("act", ["pause", "resume"])
@pytest.mark.parametrize("name", STRANGE)
async def test_a_queue_that_is_not_there_is_404(client: httpx.AsyncClient, root: Party, act: str, name: str) -> None:
    problem(await client.post(f"{QUEUES}/{name}/{act}", headers=root.headers), 404, "queue_not_found")


async def test_a_schedule_shows_its_last_and_its_next_time(
    client: httpx.AsyncClient, box: Sandbox, root: Party
) -> None:
    await a_schedule(box)
    said = (await client.get(SCHEDULES, headers=root.headers)).json()
    (schedule,) = [one for one in said["schedules"] if one["name"] == "shopping"]
    assert schedule == {
        "name": "shopping",
        "kind": "errand",
        "queue": "high",
        "every": 3600,
        "offset": 0,
        "missed": "skip",
        "next_run_at": "2026-01-01T13:00:00Z",
        "paused": False,
    }


async def test_a_schedule_is_paused_and_goes_on(client: httpx.AsyncClient, box: Sandbox, root: Party) -> None:
    await a_schedule(box)
    for _ in range(2):
        paused = await client.post(f"{SCHEDULES}/shopping/pause", headers=root.headers)
        assert (paused.status_code, paused.json()["paused"], paused.json()["paused_at"]) == (200, True, NOON)
    resumed = await client.post(f"{SCHEDULES}/shopping/resume", headers=root.headers)
    assert (resumed.status_code, resumed.json()["paused"]) == (200, False)


async def test_a_schedules_job_is_run_now_and_found_where_location_says(
    connect: Connect, box: Sandbox, root: Party
) -> None:
    await a_schedule(box)
    client = connect(path_prefix="/revenge")
    answer = await client.post(f"{SCHEDULES}/shopping/run", headers=root.headers)
    assert answer.status_code == 202
    (job_id,) = [job.id for job in box.rows.jobs.values() if job.kind == "errand"]
    assert answer.json()["id"] == job_id
    assert answer.headers["location"] == f"/revenge/api/v1/admin/jobs/{job_id}"
    found = await client.get(answer.headers["location"], headers=root.headers)
    assert found.json()["state"] == "available"


@pytest.mark.parametrize("act", ["pause", "resume", "run"])
@pytest.mark.parametrize("name", STRANGE)
async def test_a_schedule_that_is_not_there_is_404(client: httpx.AsyncClient, root: Party, act: str, name: str) -> None:
    problem(await client.post(f"{SCHEDULES}/{name}/{act}", headers=root.headers), 404, "schedule_not_found")


@pytest.mark.parametrize("path", [f"{QUEUES}/NAME/pause", f"{SCHEDULES}/NAME/pause", f"{SCHEDULES}/NAME/run"])
@pytest.mark.parametrize("name", ["x" * 201, "a%00b"])
async def test_what_is_no_name_is_told_at_the_parameter(
    client: httpx.AsyncClient, root: Party, path: str, name: str
) -> None:
    answer = await client.post(path.replace("NAME", name), headers=root.headers)
    assert pointers(problem(answer, 400, "request_invalid")) == ["/name"]


async def test_every_worker_shows_what_it_does(client: httpx.AsyncClient, box: Sandbox, root: Party) -> None:
    somebody_works(box)
    await one_in(box, JobState.RUNNING)
    said = (await client.get("/api/v1/admin/workers", headers=root.headers)).json()
    assert said == {
        "workers": [
            {
                "id": WORKER,
                "host": "kitchen",
                "pid": 4711,
                "version": "0.2.0",
                "queues": {queue.value: count for queue, count in WORKERS.items()},
                "running": 1,
                "started_at": NOON,
                "seen_at": NOON,
            }
        ]
    }
