"""`/api/v1/admin/jobs/retry`, `cancel`, `delete`: many jobs, each with a result of its own."""

from typing import Any

import httpx
import pytest

from revenge_adapters.wiring.sandbox import Sandbox
from revenge_core.activity.entities import Action
from revenge_core.background import JobState, Planned
from revenge_core.testing.contracts.errands import Errand
from tests.errands import enqueue, one_in
from tests.http.support import PROBLEM_MEMBERS, Connect, Json, Party, pointers, problem

JOBS = "/api/v1/admin/jobs"
ACTS = ["retry", "cancel", "delete"]


async def ask(client: httpx.AsyncClient, who: Party, act: str, body: Any) -> Json:  # noqa: ANN401 (JSON)
    answer = await client.post(f"{JOBS}/{act}", json=body, headers=who.headers)
    assert answer.status_code == 207, answer.text
    said: Json = answer.json()
    assert said["done"] + said["failed"] == len(said["results"])
    return said


async def test_each_job_gets_the_answer_that_it_would_have_got_alone(
    client: httpx.AsyncClient, box: Sandbox, root: Party
) -> None:
    dead, running = await one_in(box, JobState.DISCARDED), await one_in(box, JobState.RUNNING)
    headers = {**root.headers, "x-request-id": "retry-them-all"}
    answer = await client.post(f"{JOBS}/retry", json={"ids": [dead, running, 4711]}, headers=headers)
    said = answer.json()
    assert (said["done"], said["failed"]) == (1, 2)
    done, refused, missing = sorted(said["results"], key=lambda one: one["status"] * 10_000 + one["id"])[:3]
    assert done == {"id": dead, "status": 204}
    assert {missing["status"], refused["status"]} == {404, 409}
    for one in (missing, refused):
        told = one["problem"]
        assert told.keys() == PROBLEM_MEMBERS
        alone = await client.post(f"{JOBS}/{one['id']}/retry", headers=headers)
        assert told == problem(alone, one["status"], told["error"]) | {"instance": f"{JOBS}/{one['id']}"}
    assert box.rows.jobs[dead].state is JobState.AVAILABLE
    assert box.rows.jobs[running].state is JobState.RUNNING


async def test_problems_of_a_server_under_a_path_lead_to_their_pages(connect: Connect, root: Party) -> None:
    client = connect(path_prefix="/revenge")
    answer = await client.post(f"/revenge{JOBS}/delete", json={"ids": [4711]}, headers=root.headers)
    assert answer.json()["results"][0]["problem"]["type"] == "/revenge/problems/job_not_found"


@pytest.mark.parametrize(
    ("act", "wanted", "left"),
    [
        ("retry", {"state": ["discarded"]}, {"available": 2, "running": 1, "completed": 1}),
        ("retry", {"kind": ["errand"]}, {"available": 2, "running": 1, "completed": 1}),
        ("cancel", {"kind": ["errand"]}, {"cancelled": 1, "running": 1, "completed": 1, "discarded": 1}),
        ("cancel", {"state": ["completed"]}, {"available": 1, "running": 1, "completed": 1, "discarded": 1}),
        ("delete", {"kind": ["errand"]}, {"available": 1, "running": 1}),
        ("delete", {"state": ["available", "running"]}, {"running": 1, "completed": 1, "discarded": 1}),
        ("delete", {"tag": ["nobody"]}, {"available": 1, "running": 1, "completed": 1, "discarded": 1}),
    ],
)
async def test_a_filter_reaches_the_jobs_that_fit_and_can_be_changed(
    client: httpx.AsyncClient, box: Sandbox, root: Party, act: str, wanted: Json, left: dict[str, int]
) -> None:
    for state in (JobState.AVAILABLE, JobState.RUNNING, JobState.COMPLETED, JobState.DISCARDED):
        await one_in(box, state)
    said = await ask(client, root, act, {"filter": wanted})
    assert said["failed"] == 0
    states = [job.state.value for job in box.rows.jobs.values()]
    assert {state: states.count(state) for state in states} == left


async def test_whoever_goes_on_until_nothing_is_done_comes_to_an_end(
    client: httpx.AsyncClient, box: Sandbox, root: Party
) -> None:
    await enqueue(box, *[Errand()] * 1200)
    body = {"filter": {"kind": ["errand"]}}
    assert [(await ask(client, root, "cancel", body))["done"] for _ in range(3)] == [1000, 200, 0]


async def test_what_was_changed_is_one_entry_of_the_log(client: httpx.AsyncClient, box: Sandbox, root: Party) -> None:
    there = await enqueue(box, Planned(job=Errand(), tags=("old",)), Planned(job=Errand(), tags=("old",)))
    await ask(client, root, "cancel", {"filter": {"tag": ["old"]}})
    (entry,) = [one for one in box.rows.activity.values() if one.action is Action.JOB_CANCEL]
    assert entry.changes["count"].after == 2
    assert entry.changes["jobs"].after == f"{there[0]}-{there[1]}"
    assert '"old"' in str(entry.changes["filter"].after)


async def test_ids_are_done_once_each_however_often_they_are_named(
    client: httpx.AsyncClient, box: Sandbox, root: Party
) -> None:
    (job_id,) = await enqueue(box)
    assert (await ask(client, root, "delete", {"ids": [job_id, job_id]}))["results"] == [{"id": job_id, "status": 204}]


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({}, ["/filter", "/ids"]),
        ({"ids": [1], "filter": {"state": ["running"]}}, ["/filter", "/ids"]),
        ({"ids": []}, ["/ids"]),
        ({"ids": list(range(1, 1002))}, ["/ids"]),
        ({"ids": [0, 1, -1, "1", 1.5, None, 2**63]}, ["/ids/0", "/ids/2", "/ids/3", "/ids/4", "/ids/5", "/ids/6"]),
        ({"ids": 1}, ["/ids"]),
        ({"ids": None}, ["/ids"]),
        (
            {"filter": {"state": ["lost", "running"], "priority": [9], "id": []}},
            ["/filter/id", "/filter/priority/0", "/filter/state/0"],
        ),
        ({"filter": {"state": "running"}}, ["/filter/state"]),
        ({"filter": {"tag": ["a\x00b"]}}, ["/filter/tag/0"]),
        (
            {"filter": {"created_before": "2026-01-01", "created_after": 0}},
            ["/filter/created_after", "/filter/created_before"],
        ),
        ({"filter": []}, ["/filter"]),
    ],
)
async def test_everything_wrong_with_a_selection_is_told_at_once(
    client: httpx.AsyncClient, box: Sandbox, root: Party, act: str, body: Json, places: list[str]
) -> None:
    await enqueue(box)
    answer = await client.post(f"{JOBS}/{act}", json=body, headers=root.headers)
    assert pointers(problem(answer, 400, "request_invalid")) == places
    assert len(box.rows.jobs) == 1


@pytest.mark.parametrize("act", ACTS)
async def test_a_filter_that_selects_everything_is_refused(
    client: httpx.AsyncClient, box: Sandbox, root: Party, act: str
) -> None:
    await enqueue(box)
    answer = await client.post(f"{JOBS}/{act}", json={"filter": {}}, headers=root.headers)
    problem(answer, 400, "job_filter_invalid")


async def test_a_condition_that_is_not_known_does_not_make_a_deletion_wider(
    client: httpx.AsyncClient, box: Sandbox, root: Party
) -> None:
    await one_in(box, JobState.COMPLETED)
    body = {"filter": {"queue": ["high"], "states": ["discarded"]}}
    answer = await client.post(f"{JOBS}/delete", json=body, headers=root.headers)
    said = problem(answer, 400, "request_invalid")
    assert "states" in said["errors"][0]["detail"]
    assert len(box.rows.jobs) == 1


@pytest.mark.parametrize("act", ACTS)
async def test_without_a_body_or_with_another_kind_of_body_nothing_is_done(
    client: httpx.AsyncClient, root: Party, act: str
) -> None:
    problem(await client.post(f"{JOBS}/{act}", headers=root.headers), 415, "media_type_unsupported")
    answer = await client.post(f"{JOBS}/{act}", data={"ids": "1"}, headers=root.headers)
    problem(answer, 415, "media_type_unsupported")
    problem(await client.get(f"{JOBS}/{act}", headers=root.headers), 405, "method_not_allowed")
