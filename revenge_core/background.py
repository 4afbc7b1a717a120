"""Work that happens after the transaction: jobs, as features declare, enqueue and run them.

A job is a row that commits with what it belongs to (decisions P4). It runs at least once: a handler may run twice, and
does its effects in the database together with `ctx.complete(tx)`, others under the job's id as idempotency key.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Final, Protocol, TypeAlias, TypeVar

from revenge_core.entity import Entity


class Queue(StrEnum):
    """Where a job waits. Each has workers of its own, so that slow work never holds up urgent work."""

    BULK = "bulk"
    CRITICAL = "critical"
    DEFAULT = "default"
    HIGH = "high"
    LOW = "low"


class JobState(StrEnum):
    """A job is in exactly one. Whoever finished stays as it is, until an administrator tries it again."""

    AVAILABLE = "available"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    DISCARDED = "discarded"
    RETRYABLE = "retryable"
    RUNNING = "running"
    SCHEDULED = "scheduled"


FINISHED: Final = frozenset({JobState.CANCELLED, JobState.COMPLETED, JobState.DISCARDED})
UNFINISHED: Final = frozenset(JobState) - FINISHED


class Curve(StrEnum):
    """How the pause before a retry grows with the number of the failed attempt."""

    CONSTANT = "constant"
    EXPONENTIAL = "exponential"
    FOURTH_POWER = "fourth_power"
    LINEAR = "linear"


class Retry(Entity, kw_only=True):
    """When a failed job is tried again: `step` times n⁴, 2ⁿ⁻¹, n or 1, at most `ceiling`, give or take `jitter`."""

    curve: Curve = Curve.FOURTH_POWER
    step: timedelta = timedelta(seconds=1)
    ceiling: timedelta = timedelta(days=7)
    jitter: float = 0.1
    """Share of the pause by which it may be longer or shorter, so that what failed together does not come back so."""


class Unique(Entity, kw_only=True):
    """Which jobs of a kind count as the same: of those only one is there at a time.

    `states` are those in which a job keeps others out. All unfinished ones belong to them; a kind that also names
    `COMPLETED` is not done again while the finished job is kept.
    """

    by_args: bool = True
    by_queue: bool = False
    period: timedelta | None = None
    """One in each such stretch of the wall clock."""
    states: frozenset[JobState] = UNFINISHED


class JobSpec(Entity, kw_only=True):
    """What holds for every job of a kind, unless it is enqueued otherwise."""

    kind: str
    """Stable: rows of older and newer programs carry it."""
    queue: Queue = Queue.DEFAULT
    priority: int = 3
    """1 to 4; 1 goes first."""
    max_attempts: int = 25
    timeout: timedelta | None = timedelta(minutes=1)
    """After this an attempt is cancelled and counts as failed; None: only a lost worker ends it."""
    retry: Retry = Retry()
    unique: Unique | None = None
    pure: bool = False
    """The handler uses no unit of work, so it may run where there is no database (rulings R5)."""


class Job(Entity, kw_only=True):
    """A payload: what a handler needs to know. A subclass names its `spec`.

    Kind and fields are a wire contract (golden files in `tests/core/jobs/golden`): fields are added with a default and
    never renamed; unknown ones are ignored. A field of type `Secret` is sealed before it is written anywhere.
    """

    spec: ClassVar[JobSpec]


class Enqueued(Entity, kw_only=True):
    """The job that stands for what was asked for."""

    id: int
    duplicate: bool = False
    """It was there already: the job is unique, and nothing was added."""


class Planned(Entity, kw_only=True):
    """A job with what is special about this one. None: as its kind says."""

    job: Job
    at: datetime | None = None
    """Not before this; in the past means now, so nobody is overtaken."""
    queue: Queue | None = None
    priority: int | None = None
    max_attempts: int | None = None
    unique: Unique | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = {}
    """JSON that travels with the job: whom to blame, which schedule, a traceparent."""

    @classmethod
    def of(cls, job: "Job | Planned") -> "Planned":
        """The same, if somebody planned it; else with nothing special about it."""
        return job if isinstance(job, Planned) else cls(job=job)


class JobQueue(Protocol):
    """The transaction's end of the queue, reached as `tx.jobs`: all of it holds if, and only if, `tx` commits."""

    async def enqueue(self, job: Job | Planned) -> Enqueued:
        """Add a job. A unique one that is there already is answered instead, also if two come at the same moment.

        Raises:
            JobRefused: priority, attempts, tags, metadata or payload break a rule; all of it is named.
        """
        ...

    async def enqueue_many(self, jobs: Sequence[Job | Planned]) -> tuple[Enqueued, ...]:
        """Add jobs in one statement; answers in the same order. One bad job refuses all."""
        ...

    async def cancel(self, job_id: int) -> JobState | None:
        """End a job: at once, or, where it runs, by telling its worker. The state it is in now; None if there is none.

        A finished job stays as it is. A running one stays `RUNNING` until its handler has stopped.
        """
        ...

    async def complete(self, job_id: int, run: int) -> bool:
        """Mark the job as completed by that run; False if it is not that run's any more. `ctx.complete` calls it."""
        ...


class JobsTx(Protocol):
    """A transaction that can enqueue."""

    @property
    def jobs(self) -> JobQueue:
        """The queue."""
        ...


class Progress(Entity, kw_only=True):
    """How far a long job is. The latest one is kept with the job, and given to the next attempt."""

    phase: str | None = None
    current: int = 0
    total: int | None = None
    message: str | None = None
    cursor: str | None = None
    """Where another attempt may go on; means something to the handler only."""


class ItemStatus(StrEnum):
    """What became of one item of a long job."""

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


class ItemOutcome(Entity, kw_only=True):
    """One item of a long job: a path, an address, an id. A later outcome of the same item replaces the earlier."""

    item: str
    status: ItemStatus
    detail: str | None = None


class JobContext(Protocol):
    """What a handler knows and may do besides its payload."""

    @property
    def id(self) -> int:
        """The job. The same in every attempt: an idempotency key."""
        ...

    @property
    def attempt(self) -> int:
        """This attempt, from 1. Snoozed and interrupted ones do not count."""
        ...

    @property
    def max_attempts(self) -> int:
        """After so many failures the job is discarded."""
        ...

    @property
    def deadline(self) -> datetime | None:
        """When this attempt is cancelled; None if never."""
        ...

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What was enqueued with the job."""
        ...

    @property
    def progress(self) -> Progress | None:
        """What was reported last, by this attempt or one before."""
        ...

    async def report(self, progress: Progress, items: Sequence[ItemOutcome] = ()) -> None:
        """Say how far the job is, and what became of items since the last time; administrators see it at once.

        Raises:
            JobLost: the job is not this attempt's any more; stop.
        """
        ...

    async def complete(self, tx: JobsTx) -> None:
        """Complete the job in the transaction of its effects: both are there, or neither. Last in the block.

        Raises:
            JobLost: somebody else runs it by now, or it was cancelled; the transaction must not commit.
        """
        ...


J = TypeVar("J", bound=Job)

Handler: TypeAlias = Callable[[J, JobContext], Awaitable[None]]
"""A plain method of a service. It returns when all is done, and raises one of the four below or whatever went wrong."""


class Snooze(Exception):  # noqa: N818 -- what a handler asks for, not an error
    """Not now: run again after `delay`; the attempt does not count."""

    def __init__(self, delay: timedelta) -> None:
        self.delay = delay
        super().__init__(f"again in {delay}")


class RetryAfter(Exception):  # noqa: N818 -- the same
    """Failed, and the other side says when to come back; counts as an attempt."""

    def __init__(self, delay: timedelta, reason: str) -> None:
        self.delay = delay
        super().__init__(reason)


class CancelJob(Exception):  # noqa: N818 -- the same
    """There is nothing to do any more: the job ends as cancelled."""


class DiscardJob(Exception):  # noqa: N818 -- the same
    """It will never work: the job ends as discarded, a dead letter that administrators see and may try again."""


class Missed(StrEnum):
    """What becomes of ticks that passed while no worker ran, or while the schedule was paused."""

    ALL = "all"
    ONCE = "once"
    SKIP = "skip"


class Schedule(Entity, kw_only=True):
    """A job that comes again and again, in step with the wall clock however often servers restart.

    Its ticks are at `offset` after each whole multiple of `every` since 1970 in UTC: `every` a day with `offset` three
    hours is 03:00 UTC.
    """

    name: str
    job: Job
    every: timedelta
    offset: timedelta = timedelta(0)
    missed: Missed = Missed.ONCE
    at_start: bool = False
    """Run at once where the schedule is new; later starts change nothing."""


async def in_batches(ctx: JobContext, phase: str, batch: Callable[[], Awaitable[int]]) -> None:
    """Repeat `batch`, a transaction of its own each time, until it answers that it found nothing.

    Progress is told after each: who lost the job stops there, and another attempt goes on with what is left.

    Raises:
        JobLost: the job is not this attempt's any more.
    """
    told = ctx.progress
    done = told.current if told is not None and told.phase == phase else 0
    while found := await batch():
        done += found
        await ctx.report(Progress(phase=phase, current=done))
