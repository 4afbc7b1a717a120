"""`/api/v1/admin/jobs`: one job, lists of them, and what is done to one."""

import re

import httpx
import pytest

from revenge_adapters.wiring.sandbox import Sandbox
from revenge_core.activity.entities import Action
from revenge_core.background import JobState, Planned, Queue
from revenge_core.rbac.entities import Role
from revenge_core.secrets import Secret
from revenge_core.testing.contracts.errands import Delivery, Errand
from tests.errands import WORKER, a_long_job, enqueue, one_in, put
from tests.http.support import Connect, Json, Party, pointers, problem, sign_in

JOBS = "/api/v1/admin/jobs"
NOON = "2026-01-01T12:00:00Z"


async def ids(client: httpx.AsyncClient, who: Party, query: str = "") -> list[int]:
    answer = await client.get(f"{JOBS}?{query}", headers=who.headers)
    assert answer.status_code == 200, answer.text
    return [job["id"] for job in answer.json()["jobs"]]


async def refused(client: httpx.AsyncClient, who: Party, query: str) -> list[str]:
    answer = await client.get(f"{JOBS}?{query}", headers=who.headers)
    return pointers(problem(answer, 400, "request_invalid"))


# Looking


async def test_a_job_in_a_list_shows_nothing_private_and_leaves_out_what_is_not_known(
    client: httpx.AsyncClient, box: Sandbox, root: Party
) -> None:
    (job_id,) = await enqueue(box, Planned(job=Errand(what="a surprise"), tags=("home",), metadata={"for": "ada"}))
    answer = await client.get(JOBS, headers=root.headers)
    assert answer.json() == {
        "jobs": [
            {
                "id": job_id,
                "kind": "errand",
                "queue": "high",
                "priority": 2,
                "state": "available",
                "attempt": 0,
                "max_attempts": 5,
                "created_at": NOON,
                "scheduled_at": NOON,
                "tags": ["home"],
            }
        ]
    }
    assert "link" not in answer.headers


async def test_one_job_shows_its_history_and_how_far_it_is(
    client: httpx.AsyncClient, box: Sandbox, root: Party
) -> None:
    job_id = await a_long_job(box)
    said = (await client.get(f"{JOBS}/{job_id}", headers=root.headers)).json()
    assert (said["state"], said["attempt"], said["attempted_by"], said["timeout"]) == ("running", 2, WORKER, 60)
    assert said["progress"] == {"phase": "shopping", "current": 1, "total": 2, "message": "bread\x1b[31m"}
    assert said["items"] == {"done": 1, "failed": 1, "skipped": 0}
    assert said["errors"] == [
        {
            "attempt": 1,
            "at": NOON,
            "error": "OSError: the shop is shut",
            "trace": '  File "shop.py"\n',
            "worker": WORKER,
        }
    ]
    assert "args" not in said


async def test_arguments_are_shown_to_who_asks_for_them_and_that_is_written_down(
    client: httpx.AsyncClient, box: Sandbox, root: Party
) -> None:
    job_id, secret = await enqueue(box, Errand(what="a surprise"), Delivery(key=Secret("hunter22")))
    said = (await client.get(f"{JOBS}/{job_id}?args=true", headers=root.headers)).json()
    assert said["args"] == {"what": "a surprise", "times": 1}
    (entry,) = [one for one in box.rows.activity.values() if one.action is Action.JOB_ARGS_READ]
    assert (str(entry.actor_id), entry.resource_key) == (root.id, str(job_id))

    answer = await client.get(f"{JOBS}/{secret}?args=true", headers=root.headers)
    assert answer.json()["args"].keys() == {"key"}
    assert "hunter22" not in answer.text


@pytest.mark.asvs("8.2.1")
async def test_arguments_need_a_permission_of_their_own(client: httpx.AsyncClient, box: Sandbox, ada: Party) -> None:
    box.rows.roles["user"] = Role(name="user", permissions=frozenset({"jobs:get"}))
    (job_id,) = await enqueue(box)
    assert (await client.get(f"{JOBS}/{job_id}", headers=ada.headers)).status_code == 200
    said = problem(await client.get(f"{JOBS}/{job_id}?args=true", headers=ada.headers), 403, "permission_denied")
    assert "jobs:args" in said["detail"]
    assert Action.JOB_ARGS_READ not in {entry.action for entry in box.rows.activity.values()}


async def test_a_job_that_may_take_for_ever_has_no_timeout(
    client: httpx.AsyncClient, box: Sandbox, root: Party
) -> None:
    (job_id,) = await enqueue(box, Delivery(key=Secret("x")))
    assert "timeout" not in (await client.get(f"{JOBS}/{job_id}", headers=root.headers)).json()


async def test_items_are_listed_by_name_and_page_by_page(client: httpx.AsyncClient, box: Sandbox, root: Party) -> None:
    job_id = await a_long_job(box)
    first = await client.get(f"{JOBS}/{job_id}/items?limit=1", headers=root.headers)
    assert first.json()["items"] == [{"item": "bread", "status": "done", "at": NOON}]
    second = await client.get(first.links["next"]["url"], headers=root.headers)
    assert second.json() == {"items": [{"item": "milk", "status": "failed", "detail": "sold out", "at": NOON}]}


async def test_every_state_of_every_queue_is_counted(client: httpx.AsyncClient, box: Sandbox, root: Party) -> None:
    await enqueue(box, Errand(), Errand(), Planned(job=Errand(), queue=Queue.BULK))
    await one_in(box, JobState.DISCARDED)
    said = (await client.get(f"{JOBS}/counts", headers=root.headers)).json()
    none = dict.fromkeys(map(str, JobState), 0)
    assert said["queues"]["bulk"] == none | {"available": 1}
    assert said["queues"]["high"] == none | {"available": 2, "discarded": 1}
    assert said["total"] == none | {"available": 3, "discarded": 1}


# Filters


async def test_each_filter_selects(client: httpx.AsyncClient, box: Sandbox, root: Party) -> None:
    first, second = await enqueue(box, Planned(job=Errand(), tags=("home", "a,b")), Planned(job=Errand(), priority=4))
    box.clock.advance(minutes=1)
    third, fourth = await enqueue(box, Planned(job=Delivery(key=Secret("x")), tags=("home",)), Errand())
    put(box, fourth, JobState.RUNNING, cancel_requested_at=box.clock.now())
    assert await ids(client, root) == [fourth, third, second, first]
    assert await ids(client, root, "state=running") == [fourth]
    assert await ids(client, root, "kind=delivery") == [third]
    assert await ids(client, root, "queue=default") == [third]
    assert await ids(client, root, "priority=4") == [second]
    assert await ids(client, root, "tag=home") == [third, first]
    assert await ids(client, root, f"id={first}&id={fourth}") == [fourth, first]
    assert await ids(client, root, "created_after=2026-01-01T12:01:00Z") == [fourth, third]
    assert await ids(client, root, "created_before=2026-01-01T14:01:00%2B02:00") == [second, first]
    assert await ids(client, root, "cancel_requested=true") == [fourth]
    assert await ids(client, root, "kind=errand&priority=2&state=available") == [first]


async def test_values_are_repeated_or_separated_by_commas(client: httpx.AsyncClient, box: Sandbox, root: Party) -> None:
    first, second, third = [
        await one_in(box, state) for state in (JobState.AVAILABLE, JobState.RUNNING, JobState.COMPLETED)
    ]
    for query in ("state=available,running", "state=available&state=running", "state=available%2Crunning"):
        assert await ids(client, root, query) == [second, first]
    assert await ids(client, root, f"id={first},{second}&id={third}") == [third, second, first]
    assert await ids(client, root, "kind=errand,delivery&priority=1,2") == [third, second, first]


async def test_a_comma_belongs_to_a_tag_and_of_several_tags_all_have_to_be_there(
    client: httpx.AsyncClient, box: Sandbox, root: Party
) -> None:
    both, _ = await enqueue(box, Planned(job=Errand(), tags=("a,b", "c")), Planned(job=Errand(), tags=("c",)))
    assert await ids(client, root, "tag=a,b") == [both]
    assert await ids(client, root, "tag=a,b&tag=c") == [both]
    assert await ids(client, root, "tag=c&tag=d") == []


async def test_what_nobody_ever_heard_of_is_in_no_job(client: httpx.AsyncClient, box: Sandbox, root: Party) -> None:
    await enqueue(box)
    for query in ("kind=nobody", "queue=%27%3B+drop+table+jobs", "tag=%F0%9F%98%80", "id=9223372036854775807"):
        assert await ids(client, root, query) == []


@pytest.mark.asvs("2.2.1")
async def test_every_wrong_filter_is_told_at_its_place_all_at_once(client: httpx.AsyncClient, root: Party) -> None:
    query = "state=running,lost,&priority=0,1,5&id=1,x,-1&created_after=yesterday&limit=0&kind=&total=perhaps"
    answer = await client.get(f"{JOBS}?{query}", headers=root.headers)
    said = problem(answer, 400, "request_invalid")
    assert pointers(said) == [
        "/created_after", "/id/1", "/id/2", "/kind/0", "/limit", "/priority/0", "/priority/2", "/state/1", "/state/2",
        "/total",
    ]  # fmt: skip
    details = {one["pointer"]: one["detail"] for one in said["errors"]}
    assert details["/state/1"].startswith("must be one of available, cancelled, ")
    assert details["/priority/0"] == "expected an integer >= 1"


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=201", "/limit"),
        ("limit=1&limit=2", "/limit"),
        ("limit=1e2", "/limit"),
        ("limit=%31%30.0", "/limit"),
        ("id=9223372036854775808", "/id/0"),
        ("id=" + "9" * 4000, "/id/0"),
        ("id=" + ",".join(["1"] * 1001), "/id"),
        ("state=" + ",".join(["running"] * 101), "/state"),
        ("tag=" + "x" * 201, "/tag/0"),
        ("kind=a%00b", "/kind/0"),
        ("cursor=%00", "/cursor"),
        ("created_after=0", "/created_after"),
        ("created_before=2026-01-01T00:00:00", "/created_before"),
        ("created_before=null", "/created_before"),
        ("created_before=" + NOON + "&created_before=" + NOON, "/created_before"),
    ],
)
async def test_what_cannot_be_meant_is_refused_at_its_place(
    client: httpx.AsyncClient, root: Party, query: str, pointer: str
) -> None:
    assert await refused(client, root, query) == [pointer]


async def test_thousands_of_filters_are_refused_before_they_are_looked_at(
    client: httpx.AsyncClient, root: Party
) -> None:
    query = "&".join(f"id={number}" for number in range(1, 3000))
    problem(await client.get(f"{JOBS}?{query}", headers=root.headers), 400, "request_invalid")
    answer = await client.get(f"{JOBS}?state={'x,' * 10_000}", headers=root.headers)
    assert len(problem(answer, 400, "request_invalid")["errors"]) == 100


async def test_a_thousand_ids_in_one_parameter_are_fine(client: httpx.AsyncClient, box: Sandbox, root: Party) -> None:
    (job_id,) = await enqueue(box)
    assert await ids(client, root, "id=" + ",".join(str(number) for number in range(1, 1001))) == [job_id]


# Pages


async def test_cursors_lead_through_all_jobs_once_though_others_come(
    client: httpx.AsyncClient, box: Sandbox, root: Party
) -> None:
    there = await enqueue(box, *[Errand()] * 25)
    url, met, pages = f"{JOBS}?limit=10&state=available&tag=&total=true".replace("tag=&", ""), list[int](), 0
    while url:
        answer = await client.get(url, headers=root.headers)
        said = answer.json()
        met += [job["id"] for job in said["jobs"]]
        pages += 1
        assert ("next_cursor" in said) == ("next" in answer.links)
        url = answer.links["next"]["url"] if "next" in answer.links else ""
        assert not url or f"cursor={said['next_cursor']}" in url
        await enqueue(box)
    assert met == sorted(there, reverse=True)
    assert pages == 3


async def test_the_whole_is_counted_only_for_who_asks(client: httpx.AsyncClient, box: Sandbox, root: Party) -> None:
    await enqueue(box, *[Errand()] * 3)
    assert (await client.get(f"{JOBS}?limit=1&total=true", headers=root.headers)).json()["total"] == 3
    assert (await client.get(f"{JOBS}?limit=1&total=true&state=running", headers=root.headers)).json()["total"] == 0
    assert "total" not in (await client.get(f"{JOBS}?limit=1", headers=root.headers)).json()


async def test_the_next_page_is_under_the_public_path(connect: Connect, box: Sandbox, root: Party) -> None:
    await enqueue(box, *[Errand()] * 2)
    answer = await connect(path_prefix="/revenge").get(f"/revenge{JOBS}?limit=1", headers=root.headers)
    assert answer.links["next"]["url"].startswith(f"/revenge{JOBS}?limit=1&cursor=")


@pytest.mark.parametrize(
    "cursor", ["x", "4711", "%2B", "%C3%A9", "AAAA", "LTE", "OTk5OTk5OTk5OTk5OTk5OTk5OQ", "a" * 9000]
)
async def test_a_cursor_of_nobody_is_told_so(client: httpx.AsyncClient, root: Party, cursor: str) -> None:
    problem(await client.get(f"{JOBS}?cursor={cursor}", headers=root.headers), 400, "cursor_invalid")


async def test_a_cursor_of_items_that_hides_a_nul_is_told_so(
    client: httpx.AsyncClient, box: Sandbox, root: Party
) -> None:
    job_id = await a_long_job(box)
    problem(await client.get(f"{JOBS}/{job_id}/items?cursor=YQBi", headers=root.headers), 400, "cursor_invalid")


# One job


@pytest.mark.parametrize(
    ("method", "path", "state", "after"),
    [
        ("POST", "/retry", JobState.DISCARDED, JobState.AVAILABLE),
        ("POST", "/retry", JobState.COMPLETED, JobState.AVAILABLE),
        ("POST", "/cancel", JobState.SCHEDULED, JobState.CANCELLED),
        ("POST", "/cancel", JobState.RUNNING, JobState.RUNNING),
        ("DELETE", "", JobState.COMPLETED, None),
        ("DELETE", "", JobState.AVAILABLE, None),
    ],
)
async def test_a_job_is_tried_again_cancelled_and_deleted(
    client: httpx.AsyncClient,
    box: Sandbox,
    root: Party,
    method: str,
    path: str,
    state: JobState,
    after: JobState | None,
) -> None:
    job_id = await one_in(box, state)
    answer = await client.request(method, f"{JOBS}/{job_id}{path}", headers=root.headers)
    assert (answer.status_code, answer.content) == (204, b"")
    job = box.rows.jobs.get(job_id)
    assert (job and job.state) == after
    assert state is not JobState.RUNNING or (job and job.cancel_requested_at)


@pytest.mark.parametrize(
    ("method", "path", "state"),
    [
        ("POST", "/retry", JobState.RUNNING),
        ("POST", "/cancel", JobState.COMPLETED),
        ("DELETE", "", JobState.RUNNING),
    ],
)
async def test_what_the_state_forbids_is_a_conflict(
    client: httpx.AsyncClient, box: Sandbox, root: Party, method: str, path: str, state: JobState
) -> None:
    job_id = await one_in(box, state)
    before = box.rows.jobs[job_id]
    answer = await client.request(method, f"{JOBS}/{before.id}{path}", headers=root.headers)
    problem(answer, 409, "job_state_conflict")
    assert box.rows.jobs[before.id] == before


EVERYTHING = [
    ("GET", f"{JOBS}", "jobs:list"),
    ("GET", f"{JOBS}/counts", "jobs:list"),
    ("GET", f"{JOBS}/1", "jobs:get"),
    ("GET", f"{JOBS}/1/items", "jobs:get"),
    ("POST", f"{JOBS}/1/retry", "jobs:retry"),
    ("POST", f"{JOBS}/1/cancel", "jobs:cancel"),
    ("DELETE", f"{JOBS}/1", "jobs:delete"),
    ("POST", f"{JOBS}/retry", "jobs:retry"),
    ("POST", f"{JOBS}/cancel", "jobs:cancel"),
    ("POST", f"{JOBS}/delete", "jobs:delete"),
    ("GET", "/api/v1/admin/queues", "queues:list"),
    ("POST", "/api/v1/admin/queues/bulk/pause", "queues:update"),
    ("POST", "/api/v1/admin/queues/bulk/resume", "queues:update"),
    ("GET", "/api/v1/admin/schedules", "schedules:list"),
    ("POST", "/api/v1/admin/schedules/shopping/pause", "schedules:update"),
    ("POST", "/api/v1/admin/schedules/shopping/resume", "schedules:update"),
    ("POST", "/api/v1/admin/schedules/shopping/run", "schedules:run"),
    ("GET", "/api/v1/admin/workers", "workers:list"),
]


@pytest.mark.asvs("8.2.1")
@pytest.mark.parametrize(("method", "path", "permission"), EVERYTHING)
async def test_each_operation_asks_for_its_permission_and_tells_nothing_without(
    client: httpx.AsyncClient, box: Sandbox, ada: Party, method: str, path: str, permission: str
) -> None:
    await enqueue(box)
    before = dict(box.rows.jobs)
    problem(await client.request(method, path), 401, "authentication_required")
    said = problem(await client.request(method, path, headers=ada.headers), 403, "permission_denied")
    assert permission in said["detail"]
    for other in re.sub(r"jobs/1\b", "jobs/4711", path), path.replace("shopping", "nothing"):
        problem(await client.request(method, other, headers=ada.headers), 403, "permission_denied")
    assert box.rows.jobs == before


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("GET", "/items"), ("POST", "/retry"), ("POST", "/cancel"), ("DELETE", "")]
)
async def test_a_job_that_is_not_there_is_404(client: httpx.AsyncClient, root: Party, method: str, path: str) -> None:
    for job_id in (4711, 2**63 - 1):
        problem(await client.request(method, f"{JOBS}/{job_id}{path}", headers=root.headers), 404, "job_not_found")


@pytest.mark.parametrize("name", ["0", "-1", "x", "1.0", "1e3", "9223372036854775808", "9" * 5000, "%00", "+1", "01"])
@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("GET", "/items"), ("POST", "/retry"), ("POST", "/cancel"), ("DELETE", "")]
)
async def test_what_is_no_id_is_told_at_the_parameter(
    client: httpx.AsyncClient, root: Party, method: str, path: str, name: str
) -> None:
    answer = await client.request(method, f"{JOBS}/{name}{path}", headers=root.headers)
    assert pointers(problem(answer, 400, "request_invalid")) == ["/jobId"]


async def test_who_may_try_jobs_again_needs_no_other_permission_for_it(
    client: httpx.AsyncClient, box: Sandbox, ada: Party
) -> None:
    box.rows.roles["user"] = Role(name="user", permissions=frozenset({"jobs:retry"}))
    job_id = await one_in(box, JobState.DISCARDED)
    party = await sign_in(client)
    assert (await client.post(f"{JOBS}/{job_id}/retry", headers=party.headers)).status_code == 204
    body: Json = {"ids": [job_id]}
    assert (await client.post(f"{JOBS}/retry", json=body, headers=party.headers)).status_code == 207
