"""Administrators look at jobs: who may, what they see, and what they do not."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, timezone
from typing import Final

import msgspec
import pytest

from revenge_adapters import Sandbox
from revenge_core.activity.entities import Action
from revenge_core.activity.errors import CursorInvalid
from revenge_core.actor import Actor
from revenge_core.background import ItemStatus, JobState, Planned, Queue
from revenge_core.errors import Forbidden, Invalid, Unauthenticated
from revenge_core.jobs import JobAct, JobFilter, JobFilterInvalid, JobNotFound, JobRefused
from revenge_core.jobs.entities import JobItem
from revenge_core.permissions import Permission
from revenge_core.rbac.entities import ADMIN
from revenge_core.rbac.policy import BUILT_IN_ROLES, compile_index
from revenge_core.testing.builders import an_actor
from revenge_core.testing.contracts.errands import Errand, SoleErrand
from tests.core.people import act, admin, entries, join, last_entry, register
from tests.errands import WORKER, a_schedule, enqueue, one_in, somebody_works

HOST: Final = Actor.host()
EVERYTHING: Final = JobFilter()

Use = Callable[[Sandbox, Actor], Awaitable[object]]
USES: Final[dict[Permission, list[Use]]] = {
    Permission.JOBS_ENQUEUE: [lambda box, actor: box.revenge.jobs.enqueue(actor, Errand())],
    Permission.JOBS_LIST: [
        lambda box, actor: box.revenge.jobs.list(actor, EVERYTHING),
        lambda box, actor: box.revenge.jobs.count(actor, EVERYTHING),
        lambda box, actor: box.revenge.jobs.counts(actor),
    ],
    Permission.JOBS_GET: [
        lambda box, actor: box.revenge.jobs.get(actor, 1),
        lambda box, actor: box.revenge.jobs.items(actor, 1),
    ],
    Permission.JOBS_RETRY: [lambda box, actor: box.revenge.jobs.retry(actor, [1])],
    Permission.JOBS_CANCEL: [lambda box, actor: box.revenge.jobs.cancel(actor, [1])],
    Permission.JOBS_DELETE: [lambda box, actor: box.revenge.jobs.delete(actor, [1])],
    Permission.QUEUES_LIST: [lambda box, actor: box.revenge.jobs.queues(actor)],
    Permission.QUEUES_UPDATE: [lambda box, actor: box.revenge.jobs.pause_queue(actor, "low", paused=True)],
    Permission.WORKERS_LIST: [lambda box, actor: box.revenge.jobs.workers(actor)],
    Permission.SCHEDULES_LIST: [lambda box, actor: box.revenge.jobs.schedules(actor)],
    Permission.SCHEDULES_UPDATE: [lambda box, actor: box.revenge.jobs.pause_schedule(actor, "shopping", paused=True)],
    Permission.SCHEDULES_RUN: [lambda box, actor: box.revenge.jobs.run_schedule(actor, "shopping")],
}
"""What each permission opens, where there are a waiting job 1 and a schedule."""


@pytest.mark.parametrize("permission", USES)
async def test_each_act_needs_its_own_permission_and_no_other(box: Sandbox, permission: Permission) -> None:
    await enqueue(box)
    await a_schedule(box)
    user = await register(box)
    others = an_actor(user, *(one for one in Permission if one is not permission))
    for use in USES[permission]:
        with pytest.raises(Unauthenticated):
            await use(box, Actor.anonymous())
        before = dict(box.rows.jobs), dict(box.rows.activity)
        with pytest.raises(Forbidden, match=permission.value):
            await use(box, others)
        assert (box.rows.jobs, box.rows.activity) == before
        await use(box, an_actor(user, permission))


def test_of_the_built_in_roles_only_administrators_look_after_jobs() -> None:
    index = compile_index(BUILT_IN_ROLES)
    jobs = {*USES, Permission.JOBS_ARGS}
    for role in BUILT_IN_ROLES:
        held = index.permissions_of(frozenset({role.name}))
        assert held & jobs == (jobs if role.name == ADMIN else set())


# Enqueuing from outside


async def test_jobs_are_added_together_and_the_audit_log_names_them(box: Sandbox) -> None:
    actor = await admin(box)
    added = await box.revenge.jobs.enqueue(actor, Errand(), Planned(job=SoleErrand(), queue=Queue.BULK), Errand())
    assert [box.rows.jobs[one.id].kind for one in added] == ["errand", "sole_errand", "errand"]
    (entry,) = entries(box, Action.JOB_ENQUEUE)
    assert (entry.actor_id, entry.resource_type, entry.resource_key) == (actor.user_id, "job", None)
    assert {name: change.after for name, change in entry.changes.items()} == {
        "count": 3,
        "jobs": "1-3",
        "kinds": "errand, sole_errand",
    }


async def test_one_bad_job_refuses_all(box: Sandbox) -> None:
    with pytest.raises(JobRefused):
        await box.revenge.jobs.enqueue(HOST, Errand(), Planned(job=Errand(), priority=9))
    assert (box.rows.jobs, entries(box, Action.JOB_ENQUEUE)) == ({}, [])


async def test_a_job_that_is_there_already_is_answered_and_is_no_act(box: Sandbox) -> None:
    (first,) = await box.revenge.jobs.enqueue(HOST, SoleErrand())
    (again,) = await box.revenge.jobs.enqueue(HOST, SoleErrand())
    assert (again.id, again.duplicate) == (first.id, True)
    assert await box.revenge.jobs.enqueue(HOST) == ()
    (entry,) = entries(box, Action.JOB_ENQUEUE)
    assert entry.resource_key == str(first.id)


# Lists


async def test_pages_together_hold_every_job_once_the_newest_first(box: Sandbox) -> None:
    ids = await enqueue(box, *(Errand(times=number) for number in range(5)))
    first = await box.revenge.jobs.list(HOST, EVERYTHING, limit=2)
    await enqueue(box)
    second = await box.revenge.jobs.list(HOST, EVERYTHING, limit=2, cursor=first.next_cursor)
    third = await box.revenge.jobs.list(HOST, EVERYTHING, limit=2, cursor=second.next_cursor)
    assert [job.id for page in (first, second, third) for job in page.items] == sorted(ids, reverse=True)
    assert third.next_cursor is None


async def test_a_page_that_ends_exactly_with_the_list_has_no_next_one(box: Sandbox) -> None:
    await enqueue(box, Errand(), Errand())
    assert (await box.revenge.jobs.list(HOST, EVERYTHING, limit=2)).next_cursor is None
    assert (await box.revenge.jobs.list(HOST, JobFilter(states=(JobState.RUNNING,)), limit=1)).next_cursor is None


@pytest.mark.parametrize("limit", [-1, 0, 201])
async def test_a_page_has_from_1_to_200_jobs(box: Sandbox, limit: int) -> None:
    job_id = await one_in(box, JobState.RUNNING)
    for ask in (
        box.revenge.jobs.list(HOST, EVERYTHING, limit=limit),
        box.revenge.jobs.items(HOST, job_id, limit=limit),
    ):
        with pytest.raises(Invalid) as refused:
            await ask
        assert [problem.pointer for problem in refused.value.problems] == ["/limit"]


@pytest.mark.parametrize(
    "cursor", ["", "x", "-1", "1.5", " 1", "\N{ARABIC-INDIC DIGIT ONE}", "9" * 19, "9" * 5000, "\ud800"]
)
async def test_a_cursor_that_is_none_is_refused(box: Sandbox, cursor: str) -> None:
    with pytest.raises(CursorInvalid):
        await box.revenge.jobs.list(HOST, EVERYTHING, cursor=cursor)


@pytest.mark.parametrize(
    ("wanted", "pointer"),
    [
        (JobFilter(ids=(1, 2**63)), "/ids"),
        (JobFilter(ids=(0,)), "/ids"),
        (JobFilter(priorities=(2**63,)), "/priorities"),
        (JobFilter(kinds=("errand\x00",)), "/kinds"),
        (JobFilter(queues=("\x00",)), "/queues"),
        (JobFilter(tags=("a", "\x00")), "/tags"),
        (JobFilter(tags=tuple(map(str, range(1001)))), "/tags"),
        (JobFilter(states=(JobState.RUNNING,) * 1001), "/states"),
        (JobFilter(created_after=datetime(2026, 1, 1)), "/created_after"),  # noqa: DTZ001 -- that is what is refused
        (JobFilter(created_before=datetime(2026, 1, 1)), "/created_before"),  # noqa: DTZ001 -- the same
    ],
)
async def test_a_filter_that_no_store_can_work_with_is_refused(box: Sandbox, wanted: JobFilter, pointer: str) -> None:
    jobs = box.revenge.jobs
    for ask in (jobs.list(HOST, wanted), jobs.count(HOST, wanted), jobs.retry(HOST, wanted)):
        with pytest.raises(JobFilterInvalid) as refused:
            await ask
        assert [problem.pointer for problem in refused.value.problems] == [pointer]


async def test_every_problem_of_a_filter_is_named(box: Sandbox) -> None:
    wanted = JobFilter(ids=(0,), tags=("\x00",), created_after=datetime(2026, 1, 1))  # noqa: DTZ001 -- is refused
    with pytest.raises(JobFilterInvalid) as refused:
        await box.revenge.jobs.list(HOST, wanted)
    assert {problem.pointer for problem in refused.value.problems} == {"/ids", "/tags", "/created_after"}


async def test_jobs_are_counted_as_they_are_listed(box: Sandbox) -> None:
    await enqueue(box, Errand(), Errand(), SoleErrand())
    assert await box.revenge.jobs.count(HOST, JobFilter(kinds=("errand",))) == 2
    assert await box.revenge.jobs.counts(HOST) == {
        "default": {JobState.AVAILABLE: 1},
        "high": {JobState.AVAILABLE: 2},
    }


@pytest.mark.parametrize(
    ("what", "wanted", "count"),
    [
        (JobAct.RETRY, EVERYTHING, 2),
        (JobAct.RETRY, JobFilter(states=tuple(JobState)), 5),
        (JobAct.RETRY, JobFilter(states=(JobState.RUNNING,)), 0),
        (JobAct.CANCEL, EVERYTHING, 4),
        (JobAct.CANCEL, JobFilter(states=(JobState.RUNNING, JobState.COMPLETED)), 1),
        (JobAct.CANCEL, JobFilter(cancel_requested=True), 0),
        (JobAct.DELETE, EVERYTHING, 3),
        (JobAct.DELETE, JobFilter(ids=tuple(range(1, 8))), 6),
    ],
)
async def test_before_an_act_it_can_be_counted_to_how_many_it_would_be_done(
    box: Sandbox, what: JobAct, wanted: JobFilter, count: int
) -> None:
    for state in JobState:
        await one_in(box, state)
    assert await box.revenge.jobs.count(HOST, wanted, act=what) == count


# One job


@pytest.mark.parametrize("job_id", [-1, 0, 4711, 2**63 - 1, 2**63, 10**40])
async def test_a_job_that_there_is_not_is_not_found(box: Sandbox, job_id: int) -> None:
    for ask in (box.revenge.jobs.get(HOST, job_id), box.revenge.jobs.items(HOST, job_id)):
        with pytest.raises(JobNotFound):
            await ask


async def test_arguments_are_hidden_from_who_does_not_ask_and_nobody_is_told(box: Sandbox) -> None:
    (job_id,) = await enqueue(box, Errand(what="a surprise"))
    before = dict(box.rows.activity)
    assert (await box.revenge.jobs.get(HOST, job_id)).args is None
    assert box.rows.activity == before


async def test_who_may_not_see_arguments_does_not(box: Sandbox) -> None:
    (job_id,) = await enqueue(box, Errand(what="a surprise"))
    user = await register(box)
    with pytest.raises(Forbidden, match="jobs:args"):
        await box.revenge.jobs.get(an_actor(user, Permission.JOBS_GET), job_id, args=True)
    with pytest.raises(Forbidden, match="jobs:get"):
        await box.revenge.jobs.get(an_actor(user, Permission.JOBS_ARGS), job_id, args=True)
    assert entries(box, Action.JOB_ARGS_READ) == []


async def test_whoever_sees_arguments_is_in_the_audit_log(box: Sandbox) -> None:
    (job_id,) = await enqueue(box, Errand(what="a surprise"))
    user = await register(box)
    actor = an_actor(user, Permission.JOBS_GET, Permission.JOBS_ARGS)
    args = (await box.revenge.jobs.get(actor, job_id, args=True)).args
    assert args is not None
    assert msgspec.json.decode(args) == {"what": "a surprise", "times": 1}
    entry = last_entry(box)
    assert (entry.action, entry.actor_id) == (Action.JOB_ARGS_READ, user.id)
    assert (entry.resource_type, entry.resource_key, entry.changes) == ("job", str(job_id), {})


async def test_items_come_page_by_page(box: Sandbox) -> None:
    job_id = await one_in(box, JobState.RUNNING)
    for name in ("rice", "milk", "oil"):
        box.rows.job_items[job_id, name] = JobItem(item=name, status=ItemStatus.DONE, detail=None, at=box.clock.now())
    first = await box.revenge.jobs.items(HOST, job_id, limit=2)
    second = await box.revenge.jobs.items(HOST, job_id, limit=2, cursor=first.next_cursor)
    assert [[item.item for item in page.items] for page in (first, second)] == [["milk", "oil"], ["rice"]]
    assert second.next_cursor is None
    with pytest.raises(CursorInvalid):
        await box.revenge.jobs.items(HOST, job_id, cursor="\x00")


# Around jobs


async def test_queues_workers_and_schedules_are_listed(box: Sandbox) -> None:
    somebody_works(box)
    await a_schedule(box, "shopping", "cooking")
    assert [queue.name for queue in await box.revenge.jobs.queues(HOST)] == sorted(Queue)
    assert [worker.id for worker in await box.revenge.jobs.workers(HOST)] == [WORKER]
    schedules = [schedule.name for schedule in await box.revenge.jobs.schedules(HOST)]
    assert schedules == sorted(schedules)
    assert {"cooking", "shopping"} <= set(schedules)


async def test_a_member_of_the_household_sees_nothing_of_it(box: Sandbox) -> None:
    member = await act(box, await join(box))
    for permission in USES:
        for use in USES[permission]:
            with pytest.raises(Forbidden):
                await use(box, member)


async def test_times_of_a_filter_may_be_of_any_zone(box: Sandbox) -> None:
    await enqueue(box)
    now = box.clock.now()
    elsewhere = now.astimezone(timezone(timedelta(hours=-9)))
    assert await box.revenge.jobs.count(HOST, JobFilter(created_after=elsewhere)) == 1
    assert await box.revenge.jobs.count(HOST, JobFilter(created_before=elsewhere)) == 0
