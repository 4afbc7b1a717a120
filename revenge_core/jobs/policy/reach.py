"""What an administrator's act on a filter is done to."""

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from revenge_core.background import FINISHED, UNFINISHED, JobState
from revenge_core.entity import Entity
from revenge_core.jobs.entities import JobAct, JobFilter


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
