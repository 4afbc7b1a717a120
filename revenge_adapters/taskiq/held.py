"""The jobs that this process has claimed and not yet finished with."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextvars import ContextVar
from typing import Final, TypeAlias

from typing_extensions import override

from revenge_core.background import CancelJob, DiscardJob, JobContext, RetryAfter, Snooze
from revenge_core.jobs.entities import Claimed, JobKey
from revenge_core.jobs.policy import Interrupted, TimedOut
from revenge_core.jobs.ports import JobStore
from revenge_core.jobs.service import RunningJob
from revenge_core.secrets import Secret

Work: TypeAlias = Callable[[Claimed, JobContext], Awaitable[None]]
"""Does a claimed job: `Handlers.run`."""

ASKED_FOR: Final = (CancelJob, DiscardJob, RetryAfter, Snooze)

current_job: Final[ContextVar["Held"]] = ContextVar("revenge_current_job")
"""The job that runs in this task."""


class NeverRan(Exception):  # noqa: N818 -- an outcome
    """Something around the handler failed before it began."""


class Held:
    """One run of one job, from the claim until its end is handed on."""

    def __init__(self, claimed: Claimed, context: RunningJob, work: Work) -> None:
        self.claimed = claimed
        self.token = f"{claimed.id}:{claimed.run}"
        self.began: float | None = None
        """On the monotonic clock."""
        self.ended = False
        """The handler came to its end, with `error` or without."""
        self.error: BaseException | None = None
        self._context = context
        self._work = work
        self._task: asyncio.Task[object] | None = None
        self._told: Exception | None = None
        self._told_at = float("-inf")
        self._cancels = 0

    @property
    def secrets(self) -> Collection[Secret]:
        """Those in the job's arguments, once the handler has begun."""
        return self._context.secrets

    def end(self, error: BaseException | None) -> BaseException | None:
        """As `RunningJob.end`."""
        return self._context.end(error)

    @override
    def __repr__(self) -> str:
        return f"<job {self.claimed.id} ({self.claimed.kind}), run {self.claimed.run}>"  # never its arguments

    async def run(self) -> None:
        """Run the handler in the present task, for as long as its kind allows and nobody tells it to stop.

        Raises whatever says how the run ended.
        """
        try:
            await self._run()
        except BaseException as error:
            self.error = self._meaning(error)
            if self.error is error:
                raise
            raise self.error from error
        finally:
            self.ended = True

    async def _run(self) -> None:
        if self._told is not None:
            raise self._told
        self._task = task = asyncio.current_task()
        timer = self._timer()
        try:
            await self._work(self.claimed, self._context)
        finally:
            self._task = None
            if timer is not None:
                timer.cancel()
            if task is not None:
                for _ in range(self._cancels):
                    task.uncancel()

    def _timer(self) -> asyncio.TimerHandle | None:
        # Ours, not the one of anyio that Taskiq would use: that cancels every further `await` as well, so a handler
        # could not even roll back, and its connection to the database would have to be closed.
        seconds = self.claimed.timeout
        if seconds is None:
            return None
        return asyncio.get_running_loop().call_later(seconds, self.stop, TimedOut(f"it took longer than {seconds:g} s"))

    def _meaning(self, error: BaseException) -> BaseException:
        """Why the run ended. A handler that was stopped and fails does so for that reason, unless it says its own."""
        if self._told is not None and not isinstance(error, ASKED_FOR):
            return self._told
        if isinstance(error, asyncio.CancelledError):
            return Interrupted("the worker stopped")
        return error

    def stop(self, reason: Exception, *, again_after: float = 0.0) -> None:
        """Cancel the handler; the run ends for the first reason given.

        One that was told in the last `again_after` seconds cleans up undisturbed; after that it must have missed it.
        """
        now = time.monotonic()
        if self._told is None:
            self._told = reason
        if self._task is not None and now >= self._told_at + again_after:
            self._told_at = now
            self._cancels += 1
            self._task.cancel()


class HeldJobs:
    """All of them, and how many more of each queue there may be. `changed` is called whenever one is gone."""

    def __init__(self, workers: Mapping[str, int], store: JobStore, work: Work, changed: Callable[[], object]) -> None:
        self.workers = dict(workers)
        self._store = store
        self._work = work
        self._changed = changed
        self._held: dict[str, Held] = {}
        self._busy: Counter[str] = Counter()
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[Held]:
        return iter(tuple(self._held.values()))

    def get(self, token: str) -> Held | None:
        """The run that goes by this token, while it is held."""
        return self._held.get(token)

    def has_job(self, job_id: str) -> bool:
        """Whether a run of this job is held."""
        return any(token.startswith(f"{job_id}:") for token in self._held)

    def keys(self) -> frozenset[JobKey]:
        """The runs."""
        return frozenset(held.claimed.key for held in self._held.values())

    def free(self, queue: str) -> int:
        """How many more jobs of the queue may run."""
        return self.workers[queue] - self._busy[queue]

    def add(self, claimed: Claimed) -> Held:
        """A job was claimed."""
        held = Held(claimed, RunningJob(claimed, self._store), self._work)
        self._held[held.token] = held
        self._busy[claimed.queue] += 1
        self._empty.clear()
        return held

    def remove(self, held: Held) -> bool:
        """Its place is free again; False if that was said before."""
        if self._held.pop(held.token, None) is None:
            return False
        self._busy[held.claimed.queue] -= 1
        if not self._held:
            self._empty.set()
        self._changed()
        return True

    async def gone(self) -> None:
        """Wait until there is none."""
        await self._empty.wait()
