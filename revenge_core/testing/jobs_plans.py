"""What the machine of jobs chooses from."""

from datetime import timedelta
from typing import Final

from hypothesis import strategies as st

from revenge_core.background import CancelJob, Curve, DiscardJob, JobState, Queue, Retry, RetryAfter, Snooze
from revenge_core.jobs.policy import CancelRequested, Interrupted
from revenge_core.testing.contracts.errands import Errand, OnceErrand, SoleErrand
from revenge_core.testing.jobs_model import STEP

WORKERS: Final = ("ada", "eve")
QUEUES: Final = (Queue.HIGH, Queue.LOW)
KINDS: Final = (Errand, SoleErrand, OnceErrand)
RETRY: Final = Retry(curve=Curve.CONSTANT, step=timedelta(minutes=STEP), jitter=0)
ENDS: Final[dict[str, BaseException | None]] = {
    "success": None,
    "failure": ValueError("no flour"),
    "failure, again at once": RetryAfter(timedelta(0), "busy"),
    "snooze": Snooze(timedelta(minutes=2 * STEP)),
    "snooze for no time": Snooze(timedelta(0)),
    "cancel": CancelJob("nobody is hungry"),
    "discard": DiscardJob("there is no bakery"),
    "interrupted": Interrupted(),
    "stopped on request": CancelRequested(),
}


class Plan:
    """What is to be enqueued, and what the model must know of it."""

    def __init__(self, kind: int, what: str, priority: int, queue: Queue, steps: int, max_attempts: int) -> None:
        self.job = KINDS[kind](what=what)
        self.priority, self.queue, self.steps, self.max_attempts = priority, queue, steps, max_attempts
        unique = self.job.spec.unique
        self.key = None if unique is None else (self.job.spec.kind, what)
        self.keeps_out = frozenset[JobState]() if unique is None else unique.states

    def __repr__(self) -> str:
        return f"{self.job} {self.priority} {self.queue} in {self.steps} at most {self.max_attempts}"


OIL: Final = Plan(kind=0, what="oil", priority=1, queue=Queue.LOW, steps=0, max_attempts=1)

plans: Final = st.builds(
    Plan,
    kind=st.sampled_from(range(len(KINDS))),
    what=st.sampled_from(("bread", "bread", "salt")),
    priority=st.integers(1, 2),
    queue=st.sampled_from(QUEUES),
    steps=st.sampled_from((0, 0, 0, 1, 2, -3)),
    max_attempts=st.sampled_from((1, 2, 3, 7)),
)
ends: Final = st.sampled_from(sorted(ENDS))
workers: Final = st.sampled_from(WORKERS)
picks: Final = st.integers(0, 199)
"""One of those that there are by then."""
mostly: Final = st.sampled_from((True, True, True, False))
