"""What administrators' acts are done to, and what is refused."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from revenge_core.background import FINISHED, UNFINISHED, JobState
from revenge_core.entity import Entity
from revenge_core.jobs.entities import BulkItem, ItemResult, JobAct, JobFilter


class Reach(Entity, kw_only=True):
    """Which of the jobs that fit a filter an act is done to."""

    possible: frozenset[JobState]
    """In other states there is nothing to do, or it is refused."""
    unasked: frozenset[JobState]
    """These, where the filter names no state and no job: nothing is lost or done twice that nobody asked for."""


REACH: Final[Mapping[JobAct, Reach]] = {
    JobAct.CANCEL: Reach(possible=UNFINISHED, unasked=UNFINISHED),
    JobAct.DELETE: Reach(possible=frozenset(JobState) - {JobState.RUNNING}, unasked=FINISHED),
    JobAct.RETRY: Reach(
        possible=frozenset(JobState) - {JobState.AVAILABLE, JobState.RUNNING},
        unasked=frozenset({JobState.DISCARDED, JobState.RETRYABLE}),
    ),
}


def narrowed(wanted: JobFilter, act: JobAct) -> JobFilter | None:
    """The filter for those of its jobs that `act` is done to; None if it can be done to none of them.

    Whoever repeats the act until nothing is left comes to an end: what it was done to does not fit any more.
    """
    reach = REACH[act]
    states = reach.possible if wanted.states or wanted.ids else reach.unasked
    states = states.intersection(wanted.states or states)
    if act is JobAct.CANCEL:
        if wanted.cancel_requested:
            return None
        wanted = replace(wanted, cancel_requested=False)
    return replace(wanted, states=tuple(sorted(states))) if states else None


def refusal(act: JobAct, state: JobState, states: Collection[JobState]) -> str | None:
    """Why the act is not done to a job that is in `state` and is wanted in one of `states`; None if it is done."""
    if act is JobAct.CANCEL and state in FINISHED:
        return f"It is {state} already"
    if act is not JobAct.CANCEL and state is JobState.RUNNING:
        return "It is running; cancel it, or wait for its end"
    return None if state in states else f"It is {state} by now"


def displaced(holder: int | None) -> str:
    """Why a finished unique job is not tried again; `holder` is the job in its place, if it is still there."""
    named = "Another job" if holder is None else f"Job {holder}"
    return f"{named} is the same, and of such jobs one is there at a time; what is to be done is done by that one"


def results(ids: Sequence[int], refusals: Mapping[int, str | None]) -> tuple[BulkItem, ...]:
    """One for each job, in the order in which they were first named; `refusals` has those that there are."""
    return tuple(
        BulkItem(id=job_id, result=ItemResult.NOT_FOUND)
        if job_id not in refusals
        else BulkItem(
            id=job_id,
            result=ItemResult.DONE if refusals[job_id] is None else ItemResult.REFUSED,
            detail=refusals[job_id],
        )
        for job_id in dict.fromkeys(ids)
    )
