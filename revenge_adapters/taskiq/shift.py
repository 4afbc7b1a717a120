"""A worker at work: all that goes on in a process that runs jobs, apart from Taskiq running them."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from revenge_adapters.chores import at_most, beside, survives
from revenge_adapters.meter import Meter, NoMeter
from revenge_adapters.taskiq.beat import Beat, OpenStore
from revenge_adapters.taskiq.claims import Claims
from revenge_adapters.taskiq.finisher import Finisher
from revenge_adapters.taskiq.held import Held, HeldJobs
from revenge_adapters.taskiq.upkeep import Upkeep
from revenge_core.background import JobState, Planned
from revenge_core.errors import Unavailable
from revenge_core.jobs.entities import Finish, JobRules, SignalKind, WorkerInfo
from revenge_core.jobs.errors import JobLost
from revenge_core.jobs.policy import CancelRequested, Interrupted, finish_of
from revenge_core.jobs.ports import JobStore, JobUpkeep, WakeUps
from revenge_core.jobs.service import Handlers

POLL: Final = timedelta(seconds=1)
STOP_TIMEOUT: Final = timedelta(seconds=10)
RECONCILE_SECONDS: Final = 10.0
RETRY_SECONDS: Final = 1.0
PULSE_SECONDS: Final = 1.0
GRACE_SECONDS: Final = 2.0
"""Handlers that were interrupted may clean up for so long."""
FLUSH_SECONDS: Final = 5.0
"""How long a worker that stops tries to store how its last runs ended, and to say good-bye."""

_log = logging.getLogger("revenge.jobs")


class Shift:
    """Holds claimed jobs until their end is stored, keeps the worker's lease, and takes its turn at the upkeep."""

    def __init__(
        self,
        info: WorkerInfo,
        *,
        store: JobStore,
        upkeep: JobUpkeep,
        wake_ups: WakeUps,
        handlers: Handlers,
        open_beat_store: OpenStore,
        enqueue: Callable[[Planned], Awaitable[int]],
        rules: JobRules | None = None,
        poll: timedelta = POLL,
        stop_timeout: timedelta = STOP_TIMEOUT,
        meter: Meter | None = None,
    ) -> None:
        rules = rules or JobRules()
        meter = meter or NoMeter()
        self.info = info
        self.handlers = handlers
        self.enqueue = enqueue
        self.stop_timeout = stop_timeout
        self._store = store
        self._wake_ups = wake_ups
        self._poll = poll.total_seconds()
        self._meter = meter
        self._lost = asyncio.Event()
        self.on_duty_now = asyncio.Event()
        """Set from the moment on at which jobs are claimed."""
        self._finisher = Finisher(store, meter)
        self.held = HeldJobs(info.queues, store, handlers.run, self._look)
        self.claims = Claims(store, info.id, self.held, self._finisher, self._give_back, lambda: handlers.kinds, meter)
        self._upkeep = Upkeep(upkeep, handlers, rules, info.id, self.claims.wake, meter)
        self._beat = Beat(open_beat_store, info.id, lease=rules.lease, lost=self._lost.set, meter=meter)

    # Being on duty ---------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def on_duty(self) -> AsyncGenerator[None]:
        """Be known as a worker, keep the lease, hear what others say, store how runs end, keep house.

        Raises:
            DatabaseUnavailable: the worker cannot be announced.
        """
        await self._store.enlist(self.info)
        self._beat.start()
        self.claims.resume()
        try:
            async with (
                beside(self._finisher.run(), "revenge job ends"),
                beside(self._upkeep.run(), "revenge job upkeep"),
                beside(self._listen(), "revenge job signals"),
                beside(self._look_often(), "revenge job poll"),
                beside(self._show_life(), "revenge job pulse"),
                beside(self._enlist_when_lost(), "revenge job lease"),
            ):
                self.on_duty_now.set()
                try:
                    yield
                finally:
                    await self._stop()
        finally:
            await self._beat.stop()
            await self._leave()

    def interrupt(self) -> None:
        """Tell every handler to stop now; their jobs are given back and the attempts do not count."""
        if len(self.held):
            _log.info("interrupting %d jobs; they are given back", len(self.held))
        for held in self.held:
            held.stop(Interrupted("the worker stopped"))

    async def _stop(self) -> None:
        """Whatever still runs is interrupted; then all ends are stored."""
        self.claims.pause()
        self.interrupt()
        async with at_most(GRACE_SECONDS):
            await self.claims.settled()
            for held in self.held:
                if held.began is None:
                    self._give_back(held)
            await self.held.gone()
        async with at_most(FLUSH_SECONDS):
            await self._finisher.flushed()

    async def _leave(self) -> None:
        """Give back what is left, that of handlers that would not stop included."""
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                given_back = await self._store.leave(self.info.id)
        except (Unavailable, TimeoutError):
            _log.warning("the database is away: what this worker held goes on when its lease has run out")
        else:
            if given_back:
                _log.info("gave back %d jobs", given_back)

    # One job ---------------------------------------------------------------------------------------------------------

    def begin(self, held: Held) -> None:
        """A job's handler is about to run."""
        held.began = time.monotonic()
        waited = (held.claimed.attempted_at - held.claimed.scheduled_at).total_seconds()
        self._meter.job_started(held.claimed.kind, max(0.0, waited))

    def settle(self, held: Held, error: BaseException | None) -> None:
        """A run ended, with `error` or well. Only what is said first counts."""
        if not self.held.remove(held):
            return
        claimed = held.claimed
        try:
            finish = self._finish_of(held, error)
        except Exception as problem:  # noqa: BLE001 -- such as a delay that is none
            finish = self._finish_of(held, problem)
        self._finisher.add(finish)
        ran = 0.0 if held.began is None else time.monotonic() - held.began
        state = finish.state if error else JobState.COMPLETED
        self._meter.job_ended(claimed.kind, state, ran)
        if state in {JobState.RETRYABLE, JobState.DISCARDED} and not isinstance(error, JobLost):
            _log.warning(
                "job %d (%s) failed in attempt %d of %d with %s; it is %s. `revenge jobs show %d` says more",
                claimed.id,
                claimed.kind,
                claimed.attempt,
                claimed.max_attempts,
                type(error).__name__,
                finish.state,
                claimed.id,
            )

    def _finish_of(self, held: Held, error: BaseException | None) -> Finish:
        retry = self.handlers.retry_of(held.claimed.kind)
        chance = random.random()  # noqa: S311 -- jitter
        return finish_of(held.claimed, retry, held.end(error), chance=chance, secrets=held.secrets)

    def _give_back(self, held: Held) -> None:
        self.settle(held, Interrupted("the worker stopped"))

    def _look(self) -> None:
        self.claims.look()

    # What goes on besides --------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        """Follow signals. Without them everything is found by looking every second."""
        while True:
            try:
                async with self._wake_ups.listen() as signals:
                    async for signal in signals:
                        match signal.kind:
                            case SignalKind.AVAILABLE:
                                self.claims.wake(signal.key)
                            case SignalKind.SCHEDULED:
                                self._upkeep.look()
                            case SignalKind.CANCEL:
                                if self.held.has_job(signal.key):
                                    await self._cancel_wanted()
            except Unavailable:
                _log.debug("signals cannot be heard; looking goes on")
            except Exception:  # noqa: BLE001 -- hints are not worth a worker
                _log.exception("signals cannot be heard; looking goes on")
            await asyncio.sleep(RETRY_SECONDS)

    async def _look_often(self) -> None:
        reconciled = time.monotonic()
        while True:
            await asyncio.sleep(self._poll)
            self.claims.wake()
            if len(self.held):
                await self._cancel_wanted()
            if time.monotonic() - reconciled > RECONCILE_SECONDS:
                reconciled = time.monotonic()
                await self._reconcile()

    async def _show_life(self) -> None:
        while True:
            self._beat.pulse()
            await asyncio.sleep(PULSE_SECONDS)

    async def _cancel_wanted(self) -> None:
        for key in await survives(lambda: self._store.cancel_requests(self.info.id)) or ():
            if held := self.held.get(f"{key.id}:{key.run}"):
                reason = CancelRequested("an administrator or the program itself wanted it")
                held.stop(reason, again_after=GRACE_SECONDS)

    async def _reconcile(self) -> None:
        """Jobs that are ours as far as the store knows, and of which the answer never came, go to somebody else."""
        known = self.held.keys() | self._finisher.keys()
        if lost := await survives(lambda: self._store.give_back_unknown(self.info.id, known)):
            _log.warning("gave back %d jobs whose claim was never answered", lost)

    async def _enlist_when_lost(self) -> None:
        while True:
            await self._lost.wait()
            self._lost.clear()
            if await self._insist(lambda: self._store.beat(self.info.id)):
                continue  # old news: it was enlisted anew meanwhile
            _log.warning("nothing was heard of this worker for too long: its jobs went to others; it begins anew")
            self.claims.pause()
            self.interrupt()
            await self._insist(self._enlist)
            self.claims.resume()

    async def _enlist(self) -> bool:
        await self._store.enlist(self.info)
        return True

    async def _insist(self, chore: Callable[[], Awaitable[bool]]) -> bool:
        while True:
            answer = await survives(chore)
            if answer is not None:
                return answer
            await asyncio.sleep(RETRY_SECONDS)
