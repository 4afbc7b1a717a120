"""What the job queue needs from outside. All times are the store's: no worker's clock decides (rulings R26)."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Protocol

from revenge_core.activity.ports import ActivityTx
from revenge_core.background import ItemOutcome, JobState, JobsTx, Progress, Schedule
from revenge_core.jobs.entities import (
    BulkItem,
    Claimed,
    Finish,
    JobDetail,
    JobFilter,
    JobItem,
    JobKey,
    JobRules,
    JobSummary,
    Promoted,
    QueueInfo,
    ScheduleInfo,
    Signal,
    WorkerInfo,
)


class JobStore(Protocol):
    """What a worker does with jobs. Every change is fenced by the run: who lost a job changes nothing about it."""

    async def enlist(self, worker: WorkerInfo) -> None:
        """Announce a worker, or announce it anew after it was given up; its lease begins now."""
        ...

    async def beat(self, worker_id: str) -> bool:
        """Renew the lease. False: it had run out and the jobs are lost; `enlist` again."""
        ...

    async def leave(self, worker_id: str) -> int:
        """Give back what the worker still holds (available at once, attempts uncounted) and end its lease; how many.

        Those that somebody wants cancelled are cancelled instead.
        """
        ...

    async def claim(
        self, worker_id: str, slots: Mapping[str, int], *, kinds: Collection[str] | None = None
    ) -> tuple[Claimed, ...]:
        """Take up to so many available jobs from each queue: priority first, then scheduled time, then id.

        No job is handed out twice at a time; paused queues give nothing. With `kinds` others are passed over: they
        wait for a program that runs them, such as a newer version of this one or one that embeds it.
        """
        ...

    async def give_back_unknown(self, worker_id: str, known: Collection[JobKey]) -> int:
        """Give back what was handed to the worker without its knowing: the answer to its claim got lost; how many.

        As `leave` gives back. `known` is every run whose end is not stored yet. Jobs handed out in the last
        `ANSWERED_WITHIN` are left alone, since the answer may be on its way: a worker asks for this from time to time.
        """
        ...

    async def finish(self, finishes: Sequence[Finish]) -> frozenset[JobKey]:
        """Store how runs ended, in one transaction; those that counted. Others were lost meanwhile.

        Finishing twice is harmless, so whoever got no answer asks again. `RETRYABLE` and `SCHEDULED` ones without
        delay are available at once. A run that somebody wants cancelled never goes back in line: where it ends
        unfinished, the job is cancelled.

        Raises:
            Unavailable: nothing was stored, or all but what somebody else has locked, who holds up no others.
        """
        ...

    async def report(self, key: JobKey, progress: Progress, items: Sequence[ItemOutcome]) -> bool:
        """Keep progress and outcomes of items; False, and nothing kept, if the run is not the job's any more."""
        ...

    async def cancel_requests(self, worker_id: str) -> tuple[JobKey, ...]:
        """The worker's runs that somebody wants cancelled."""
        ...


class JobUpkeep(Protocol):
    """What keeps the queue going. Any worker may do it at any time; `lead` only keeps them from all doing it.

    Queues in which it makes jobs available are signalled.
    """

    async def lead(self, worker_id: str, lease: timedelta) -> bool:
        """Whether this worker leads for that long from now: nobody else does, or it did before."""
        ...

    async def promote(self) -> Promoted:
        """Make available what is due by now."""
        ...

    async def rescue(self, rules: JobRules) -> tuple[int, ...]:
        """Take jobs from workers whose lease ran out, and jobs that overran their timeout by the grace; their ids.

        They go on at once, from the third loss on after the fourth power of attempts in seconds (an hour at most,
        `policy.rescue_delay`); without attempts left they are discarded, and cancelled if somebody wanted that. The
        loss is written among their errors (`policy.LOST`, `OVERRAN`). A worker that is given up is no worker any more:
        its next beat says so. For one lease after the store lost its leases in a crash nothing is rescued (rulings R5).
        """
        ...

    async def clean(self, rules: JobRules, *, limit: int = 1000) -> int:
        """Delete up to `limit` finished jobs that were kept long enough, oldest first; how many."""
        ...

    async def declare(self, schedules: Sequence[Schedule]) -> None:
        """Make the schedules known. A known one keeps its next tick unless its period or offset changed, and its pause.

        A next tick that is more than a period ahead was meant before the store's clock was put back: it is worked out
        anew. Those that are not in the list stay, but `tick` leaves them alone once no program declared them for
        `policy.DECLARED_FOR`, and `clean` forgets them after 30 days.
        """
        ...

    async def tick(self) -> tuple[int, ...]:
        """Enqueue what schedules have due, one job for each tick whoever else does the same at the moment; their ids.

        Only of those that a program declared within `policy.DECLARED_FOR`: what the last one that knew a schedule left
        behind would go on for a month, though nobody can run its jobs.

        The jobs' metadata name the schedule and the tick: `schedule`, and `tick` in RFC 3339. A tick whose job is
        unique and there already adds none.
        """
        ...


class WakeUps(Protocol):
    """Hints between processes; losing them costs time and nothing else."""

    def send(self, signals: Iterable[Signal]) -> None:
        """Tell everybody who listens, soon and without waiting; never raises."""
        ...

    def listen(self) -> AbstractAsyncContextManager[AsyncIterator[Signal]]:
        """The signals sent from now on, those of this process included. After a gap every queue is signalled."""
        ...


class JobAdmin(Protocol):
    """What administrators do to jobs, inside a transaction; reached as `tx.job_admin`.

    There is one result for each job, in the order in which `ids` name them first. Jobs that are not in one of `states`
    by then are refused: they were chosen for being in one, and somebody was faster. A refusal says why.
    """

    async def retry(self, ids: Sequence[int], *, states: Collection[JobState]) -> tuple[BulkItem, ...]:
        """Make the jobs available at once, with one attempt more where none is left. Running ones are refused.

        Those that are available already stay as they are. A finished one is refused while another unique job stands in
        its place; of several with the same key in `ids` the first goes.
        """
        ...

    async def cancel(self, ids: Sequence[int], *, states: Collection[JobState]) -> tuple[BulkItem, ...]:
        """As `JobQueue.cancel`: done is also what a running job was told. Finished ones are refused."""
        ...

    async def delete(self, ids: Sequence[int], *, states: Collection[JobState]) -> tuple[BulkItem, ...]:
        """Delete the jobs and what was recorded of them. Running ones are refused."""
        ...

    async def pause_queue(self, name: str, *, paused: bool) -> bool:
        """Stop handing out its jobs, or go on; running ones are not touched. Whether that changed anything."""
        ...

    async def pause_schedule(self, name: str, *, paused: bool) -> bool | None:
        """Stop its ticks, or go on; what was missed is made up for as the schedule says. None: there is none."""
        ...

    async def run_schedule(self, name: str) -> int | None:
        """Enqueue its job now, apart from its ticks; the job's id. None: there is no such schedule.

        A unique one that is there already is answered instead. The job's metadata name the `schedule`; it is told of as
        the schedule's last run. A paused schedule's job can be run, too.
        """
        ...


class JobAdminTx(ActivityTx, JobsTx, Protocol):
    """What administration does in one transaction."""

    @property
    def job_admin(self) -> JobAdmin:
        """Jobs, queues and schedules."""
        ...


class JobReader(Protocol):
    """The reading end, outside a transaction."""

    async def newest(self, wanted: JobFilter, *, limit: int, before: int | None) -> tuple[JobSummary, ...]:
        """Up to `limit` jobs with ids below `before`, by id descending."""
        ...

    async def count(self, wanted: JobFilter) -> int:
        """How many jobs fit the filter, up to `COUNTED_UPTO`."""
        ...

    async def by_id(self, job_id: int, *, args: bool) -> JobDetail | None:
        """The job; its arguments only if asked for."""
        ...

    async def items(self, job_id: int, *, limit: int, after: str | None) -> tuple[JobItem, ...]:
        """Up to `limit` items of the job after the one called `after`, by name (code points)."""
        ...

    async def counts(self) -> dict[str, dict[JobState, int]]:
        """How many jobs are in which state, by queue; states without any may be missing.

        It is asked every second while somebody watches, over a million finished jobs as well: of one state in one queue
        finished ones are counted up to `COUNTED_UPTO`. All others are counted exactly.
        """
        ...

    async def queues(self) -> tuple[QueueInfo, ...]:
        """All five queues, and any other in which jobs wait or run, by name."""
        ...

    async def workers(self) -> tuple[WorkerInfo, ...]:
        """Workers that were not given up, by id."""
        ...

    async def schedules(self) -> tuple[ScheduleInfo, ...]:
        """Schedules by name."""
        ...
