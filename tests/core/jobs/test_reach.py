"""The rules of administrators' acts, without a store."""

from datetime import timedelta
from typing import ClassVar, Final

import pytest

from revenge_core.background import FINISHED, UNFINISHED, Job, JobSpec, JobState, Schedule, Unique
from revenge_core.jobs.entities import BulkItem, ItemResult, JobAct, JobFilter
from revenge_core.jobs.policy import REACH, displaced, narrowed, refusal, results, schedule_problems
from revenge_core.jobs.service.selection import ranges

EVERY_STATE: Final = frozenset(JobState)


class Diary(Job, kw_only=True):
    spec: ClassVar[JobSpec] = JobSpec(kind="diary", unique=Unique(period=timedelta(days=1)))


@pytest.mark.parametrize("act", JobAct)
@pytest.mark.parametrize("state", JobState)
def test_what_an_act_reaches_by_a_filter_is_not_refused(act: JobAct, state: JobState) -> None:
    for wanted in (JobFilter(), JobFilter(states=(state,)), JobFilter(ids=(1,)), JobFilter(states=tuple(JobState))):
        left = narrowed(wanted, act)
        if left is not None and state in left.states:
            assert refusal(act, state, left.states) is None
            assert state in REACH[act].possible


@pytest.mark.parametrize("act", JobAct)
def test_a_filter_is_narrowed_twice_as_once(act: JobAct) -> None:
    for wanted in (JobFilter(kinds=("errand",)), JobFilter(states=tuple(JobState)), JobFilter(ids=(1, 2))):
        once = narrowed(wanted, act)
        assert once is not None
        assert narrowed(once, act) == once


@pytest.mark.parametrize("act", JobAct)
def test_all_other_conditions_of_a_filter_stay(act: JobAct) -> None:
    wanted = JobFilter(kinds=("a",), queues=("b",), priorities=(1,), tags=("c",), ids=(4,))
    left = narrowed(wanted, act)
    assert left is not None
    assert (left.kinds, left.queues, left.priorities, left.tags, left.ids) == (("a",), ("b",), (1,), ("c",), (4,))


@pytest.mark.parametrize("state", JobState)
def test_only_finished_jobs_cannot_be_cancelled_and_only_running_ones_not_deleted_or_retried(state: JobState) -> None:
    assert (refusal(JobAct.CANCEL, state, EVERY_STATE) is None) == (state in UNFINISHED)
    assert (refusal(JobAct.DELETE, state, EVERY_STATE) is None) == (state is not JobState.RUNNING)
    assert (refusal(JobAct.RETRY, state, EVERY_STATE) is None) == (state is not JobState.RUNNING)


def test_a_refusal_says_what_the_job_is_and_not_only_that_it_came_too_late() -> None:
    assert refusal(JobAct.CANCEL, JobState.COMPLETED, UNFINISHED) == "It is completed already"
    assert refusal(JobAct.DELETE, JobState.RUNNING, FINISHED) == "It is running; cancel it, or wait for its end"
    assert refusal(JobAct.DELETE, JobState.AVAILABLE, FINISHED) == "It is available by now"


def test_who_is_in_the_place_of_a_unique_job_is_named_where_that_is_known() -> None:
    assert displaced(4711).startswith("Job 4711 is the same")
    assert displaced(None).startswith("Another job is the same")


def test_results_come_in_the_order_of_the_ids_each_once() -> None:
    assert results([3, 1, 3, 2, 1], {1: None, 2: "It is running"}) == (
        BulkItem(id=3, result=ItemResult.NOT_FOUND),
        BulkItem(id=1, result=ItemResult.DONE),
        BulkItem(id=2, result=ItemResult.REFUSED, detail="It is running"),
    )


@pytest.mark.parametrize(
    ("ids", "text"),
    [([], ""), ([7], "7"), ([2, 1], "1-2"), ([9, 1, 3, 2, 7, 8, 5], "1-3, 5, 7-9"), (range(1, 1001), "1-1000")],
)
def test_ids_are_told_as_short_as_possible(ids: list[int], text: str) -> None:
    assert ranges(ids) == text


def test_a_scheduled_job_is_not_unique_by_period_as_that_of_its_declaration_would_count() -> None:
    (problem,) = schedule_problems([Schedule(name="diary", job=Diary(), every=timedelta(days=1))])
    assert problem.startswith("diary ")
