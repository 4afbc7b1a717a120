"""What must come of jobs, said once more and without any store. Times are minutes since the machine was started."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from revenge_core.background import FINISHED, JobState
from revenge_core.jobs.entities import Finish, JobKey, JobRules

STEP: Final = 10
"""All delays are multiples of it, and no bound is one: nothing is decided by how long the machine itself takes."""
LEASE: Final = 15
GRACE: Final = 60
TIMEOUT: Final = 1
KEPT: Final = {JobState.COMPLETED: 25, JobState.CANCELLED: 45, JobState.DISCARDED: 65}
RULES: Final = JobRules(
    lease=timedelta(minutes=LEASE),
    grace=timedelta(minutes=GRACE),
    keep_completed=timedelta(minutes=KEPT[JobState.COMPLETED]),
    keep_cancelled=timedelta(minutes=KEPT[JobState.CANCELLED]),
    keep_discarded=timedelta(minutes=KEPT[JobState.DISCARDED]),
)
WAITING: Final = frozenset({JobState.RETRYABLE, JobState.SCHEDULED})


@dataclass
class Task:
    """One job."""

    id: int
    queue: str
    priority: int
    max_attempts: int
    due: float
    state: JobState
    key: tuple[str, str] | None
    """What it shares with jobs that are the same; None: it is not unique."""
    keeps_out: frozenset[JobState]
    attempt: int = 0
    run: int = 0
    holder: str | None = None
    attempted: float = 0
    wanted: bool = True
    """False: somebody asked for the running job to be cancelled."""
    errors: int = 0
    losses: int = 0
    finished: float = 0

    @property
    def order(self) -> tuple[int, float]:
        """What goes before what, in one queue."""
        return (self.priority, self.due)

    @property
    def seen(self) -> tuple[object, ...]:
        """What everybody can see of it."""
        cancelling = self.state is JobState.RUNNING and not self.wanted
        return (self.state, self.queue, self.priority, self.attempt, self.max_attempts, self.holder, cancelling)


@dataclass
class Model:
    """Every job there is, and every worker."""

    now: float = 0
    tasks: dict[int, Task] = field(default_factory=dict[int, Task])
    leases: dict[str, float] = field(default_factory=dict[str, float])
    """When each worker was heard of last."""
    leases_since: float | None = None
    paused: set[str] = field(default_factory=set[str])

    def copy(self) -> "Model":
        """The same, to go back to when a transaction is rolled back."""
        tasks = {job_id: replace(task) for job_id, task in self.tasks.items()}
        return replace(self, tasks=tasks, leases=dict(self.leases), paused=set(self.paused))

    # Enqueuing

    def in_place_of(self, key: tuple[str, str] | None) -> Task | None:
        """The job that keeps others of the key out."""
        holders = [task for task in self.tasks.values() if task.key == key and task.state in task.keeps_out]
        assert key is None or len(holders) <= 1, "two unique jobs stand in one place"
        return holders[0] if key is not None and holders else None

    # Workers

    def enlist(self, worker: str) -> None:
        self.leases[worker] = self.now
        if self.leases_since is None:
            self.leases_since = self.now

    def available(self, queue: str) -> list[Task]:
        """What may be handed out, in any order."""
        if queue in self.paused:
            return []
        return [task for task in self.tasks.values() if task.state is JobState.AVAILABLE and task.queue == queue]

    def hand_out(self, job_id: int, worker: str) -> Task:
        task = self.tasks[job_id]
        assert task.state is JobState.AVAILABLE, f"a {task.state} job was handed out"
        assert task.queue not in self.paused, "a paused queue handed out a job"
        task.state, task.holder, task.attempted = JobState.RUNNING, worker, self.now
        task.attempt += 1
        task.run += 1
        return task

    def run_of(self, key: JobKey) -> Task | None:
        """The job, if this run has it."""
        task = self.tasks.get(key.id)
        return task if task is not None and task.state is JobState.RUNNING and task.run == key.run else None

    def finish(self, finish: Finish) -> bool:
        task = self.run_of(finish.key)
        if task is None:
            return False
        task.errors += finish.error is not None
        task.attempt -= finish.refund
        if finish.state in FINISHED:
            self._end(task, finish.state)
        elif not task.wanted:
            self._end(task, JobState.CANCELLED)
        else:
            if finish.state is not JobState.AVAILABLE:  # what is given back keeps its place
                task.due = self.now + finish.delay.total_seconds() / 60
            task.state = finish.state if finish.delay else JobState.AVAILABLE
        return True

    def give_back(self, tasks: Iterable[Task]) -> int:
        count = 0
        for task in tasks:
            count += 1
            task.attempt -= 1
            if task.wanted:
                task.state = JobState.AVAILABLE
            else:
                self._end(task, JobState.CANCELLED)
        return count

    def held_by(self, worker: str) -> list[Task]:
        return [task for task in self.tasks.values() if task.state is JobState.RUNNING and task.holder == worker]

    def leave(self, worker: str) -> int:
        self.leases.pop(worker, None)
        return self.give_back(self.held_by(worker))

    # Whoever wants a job cancelled, tried again, gone

    def cancel(self, job_id: int) -> JobState | None:
        task = self.tasks.get(job_id)
        if task is None:
            return None
        if task.state is JobState.RUNNING:
            task.wanted = False
        elif task.state not in FINISHED:
            self._end(task, JobState.CANCELLED)
        return task.state

    def retry(self, job_id: int) -> bool:
        task = self.tasks[job_id]
        other = self.in_place_of(task.key)
        if task.state is JobState.RUNNING or (other is not None and other is not task):
            return False
        task.state, task.due, task.wanted = JobState.AVAILABLE, self.now, True
        task.max_attempts = max(task.max_attempts, task.attempt + 1)
        return True

    # Upkeep

    def promote(self) -> tuple[set[str], float | None]:
        """Queues in which jobs are available now that were not before, and how long until the next is due."""
        waiting = [task for task in self.tasks.values() if task.state in WAITING]
        ready = [task for task in waiting if task.due <= self.now]
        for task in ready:
            task.state = JobState.AVAILABLE
        return {task.queue for task in ready}, min(
            (task.due - self.now for task in waiting if task.due > self.now), default=None
        )

    def rescue(self) -> set[int]:
        if self.leases_since is None:
            self.leases_since = self.now
        if self.now - self.leases_since < LEASE:
            return set()
        self.leases = {worker: seen for worker, seen in self.leases.items() if self.now - seen < LEASE}
        rescued: set[int] = set()
        for task in self.tasks.values():
            lost = task.holder not in self.leases
            overran = self.now - task.attempted > TIMEOUT + GRACE
            if task.state is JobState.RUNNING and (lost or overran):
                self._rescue(task)
                rescued.add(task.id)
        return rescued

    def _rescue(self, task: Task) -> None:
        task.errors += 1
        task.losses += 1
        if not task.wanted:
            self._end(task, JobState.CANCELLED)
        elif task.attempt >= task.max_attempts:
            self._end(task, JobState.DISCARDED)
        else:
            pause = 0 if task.losses < 3 else min(task.attempt**4, 3600) / 60
            task.state = JobState.RETRYABLE if pause else JobState.AVAILABLE
            task.due = self.now + pause

    def old(self) -> list[Task]:
        """What was kept long enough, the oldest first."""
        over = (task for task in self.tasks.values() if task.state in FINISHED)
        return sorted(
            (task for task in over if self.now - task.finished > KEPT[task.state]), key=lambda task: task.finished
        )

    def _end(self, task: Task, state: JobState) -> None:
        task.state, task.finished = state, self.now


def out_of_order(chosen: Sequence[Task], left: Sequence[Task]) -> list[tuple[int, int]]:
    """Pairs of a job that was handed out and one that should have gone before it."""
    return [(one.id, other.id) for one in chosen for other in left if other.order < one.order]
