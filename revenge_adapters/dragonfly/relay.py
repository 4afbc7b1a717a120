"""Between the queue in PostgreSQL and workers that have no database.

A relay is one more worker as far as PostgreSQL knows: it claims, holds the lease, and stores how runs end. So whatever
becomes of Dragonfly, of the relay or of those who run its jobs, a job is in one state and goes on within a lease.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from msgspec.structs import replace

from revenge_adapters.boottime import boottime
from revenge_adapters.chores import ended
from revenge_adapters.dragonfly.chores import for_ever
from revenge_adapters.dragonfly.client import RedisClient
from revenge_adapters.dragonfly.dispatched import Dispatched, Run
from revenge_adapters.dragonfly.envelopes import Envelopes
from revenge_adapters.dragonfly.errors import CacheUnavailable
from revenge_adapters.dragonfly.leading import Leadership
from revenge_adapters.dragonfly.results import Results
from revenge_adapters.dragonfly.streams import (
    FIELD,
    PRIORITIES,
    TOPIC,
    Announcement,
    Dispatch,
    Keys,
    Orders,
)
from revenge_adapters.dragonfly.wakeups import encoded
from revenge_core.background import JobState
from revenge_core.errors import DatabaseUnavailable, Unavailable
from revenge_core.jobs.entities import Claimed, Finish, Signal, SignalKind, WorkerInfo
from revenge_core.jobs.policy import LOST, rescue_delay
from revenge_core.jobs.ports import JobStore, WakeUps

LOOK_SECONDS: Final = 1.0
RECONCILE_SECONDS: Final = 10.0
STOP_TIMEOUT: Final = timedelta(seconds=10)
LEAVE_SECONDS: Final = 5.0
A_MOMENT_SECONDS: Final = 0.02

_log = logging.getLogger("revenge.streams")


class StreamRelay:
    """Hands jobs of `queues` on, if they are of one of `kinds`: those that need no unit of work (`JobSpec.pure`).

    Never more than twice as many as there are free places, so that an urgent job overtakes almost all others and little
    is out when Dragonfly goes. Any number of relays may run; one at a time hands on.
    """

    def __init__(
        self,
        info: WorkerInfo,
        *,
        store: JobStore,
        wake_ups: WakeUps,
        client: RedisClient,
        envelopes: Envelopes,
        queues: Collection[str],
        kinds: Collection[str],
        lease: timedelta,
        stop_timeout: timedelta = STOP_TIMEOUT,
    ) -> None:
        self._info = info
        self._store = store
        self._wake_ups = wake_ups
        self._client = client
        self._envelopes = envelopes
        self._keys = Keys(envelopes)
        self._place = self._keys.relay(info.id)
        self._channel = envelopes.name(TOPIC)
        self._queues = tuple(queues)
        self._kinds = frozenset(kinds)
        self._lease = lease.total_seconds()
        self._stop_timeout = stop_timeout.total_seconds()
        self._dispatched = Dispatched(lease)
        self._results = Results(client, store, envelopes)
        self._workers: dict[str, Announcement] = {}
        self._looked_at = boottime()
        self._leadership = Leadership(client, self._keys, info.id, queues=queues, lease=lease)
        self._orders = Orders()
        self._worth_handing_on = asyncio.Event()
        self._worth_looking = asyncio.Event()
        self._worth_looking.set()

    @asynccontextmanager
    async def running(self, until: asyncio.Event | None = None) -> AsyncGenerator["StreamRelay"]:
        """Hand jobs on beside the block. On a clean exit those that run may end; what is left is given back.

        `until` makes it hand on no more before the block ends, so that others can stop at the same time.

        Raises:
            DatabaseUnavailable: it cannot be announced.
        """
        until = until or asyncio.Event()
        await self._store.enlist(self._info)
        self._looked_at = boottime()
        handing_on = asyncio.create_task(for_ever(self._hand_on), name="revenge relay dispatch")
        stopping = asyncio.create_task(self._run_dry(until, handing_on), name="revenge relay stop")
        chores = [
            asyncio.create_task(for_ever(self._look, logging.WARNING), name="revenge relay look"),
            *(
                asyncio.create_task(for_ever(chore), name="revenge relay chore")
                for chore in (self._beat, self._collect, self._listen, self._reconcile)
            ),
        ]
        try:
            yield self
            until.set()
            await stopping
        finally:
            await ended(stopping, handing_on, *chores)
            await self._leave()

    # Handing on -------------------------------------------------------------------------------------------------------

    async def _hand_on(self) -> None:
        """Fill what is free, as often as there is a reason to think that something is."""
        await self._worth_handing_on.wait()
        self._worth_handing_on.clear()
        while self._leadership.holds() and (rooms := await self._rooms()):
            kinds = self._kinds.intersection(*(one.kinds for one in self._workers.values()))
            claimed = await self._store.claim(self._info.id, rooms, kinds=kinds) if kinds else ()
            if claimed:
                await self._send(claimed)
            if len(claimed) < sum(rooms.values()):
                break

    async def _rooms(self) -> dict[str, int]:
        """How many more jobs of each queue may wait: twice as many as are free, less those that wait already.

        Whatever the server says of that, no more are out than twice as many as there are places.
        """
        ids = tuple(self._workers)
        if not ids:
            return {}
        streams = [(queue, priority) for queue in self._queues for priority in PRIORITIES]
        said, *lengths = await self._client.do_all(
            [("MGET", *map(self._keys.worker, ids)), *(("XLEN", self._keys.queue(*one)) for one in streams)]
        )
        self._hear(self._understood(ids, said))
        waiting, out = Counter[str](), Counter(run.job.queue for run in self._dispatched)
        for (queue, _), length in zip(streams, lengths, strict=True):
            waiting[queue] += length
        rooms = dict[str, int]()
        for queue in self._queues:
            free = sum(one.free.get(queue, 0) for one in self._workers.values())
            places = sum(one.slots.get(queue, 0) for one in self._workers.values())
            rooms[queue] = min(2 * free - waiting[queue], 2 * places - out[queue])
        return {queue: room for queue, room in rooms.items() if room > 0}

    async def _send(self, claimed: Sequence[Claimed]) -> None:
        """Put the jobs into their streams. Where that fails nobody knows which are there; those not taken come back."""
        runs = [Run(job=job, stream=self._keys.queue(job.queue, job.priority)) for job in claimed]
        self._dispatched.put(runs)
        told = [self._envelopes.seal(run.stream, Dispatch(relay=self._info.id, job=run.job)) for run in runs]
        entries = await self._client.do_all(
            [("XADD", run.stream, "*", FIELD, dispatch) for run, dispatch in zip(runs, told, strict=True)]
        )
        self._dispatched.put(replace(run, entry=entry) for run, entry in zip(runs, entries, strict=True))
        await self._signal(*(Signal(kind=SignalKind.AVAILABLE, key=queue) for queue in {job.queue for job in claimed}))

    async def _signal(self, *signals: Signal) -> None:
        await self._client.do("PUBLISH", self._channel, encoded(self._envelopes, self._channel, self._info.id, signals))

    # Taking results ---------------------------------------------------------------------------------------------------

    async def _collect(self) -> None:
        await self._leadership.gained.wait()
        collected = await self._results.collect()
        if collected is None:
            await asyncio.sleep(A_MOMENT_SECONDS)  # should a server answer at once that there is nothing
            return
        self._dispatched.remove(collected.ended)
        self._worth_handing_on.set()
        if collected.arrived:
            self._worth_looking.set()

    # Looking after what is out ----------------------------------------------------------------------------------------

    async def _look(self) -> None:
        """See who is there and what they run; take back what nobody runs; say what is to be cancelled."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await self._worth_looking.wait()
        self._worth_looking.clear()
        since = boottime() - self._looked_at
        try:
            self._hear(await self._announced())
        except CacheUnavailable:
            if since > self._lease and len(self._dispatched):
                await self._take_back(list(self._dispatched), "Dragonfly has been away for too long")
            raise
        self._dispatched.listened(min(since, 2 * LOOK_SECONDS))
        self._looked_at = boottime()
        if not await self._leadership.renew():
            self._dispatched.forgive()
        await self._order()
        await self._tell_capacity()
        await self._withdraw(self._dispatched.forgotten() if self._workers else self._dispatched.abandoned())
        await self._give_up(self._dispatched.lost())
        self._worth_handing_on.set()

    async def _announced(self) -> dict[str, Announcement]:
        """All workers that are there. Those that are not any more are forgotten."""
        members: list[bytes] = list(await self._client.do("SMEMBERS", self._keys.workers))
        if not members:
            return {}
        ids = [member.decode(errors="replace") for member in members]
        said = await self._client.do("MGET", *map(self._keys.worker, ids))
        if gone := [member for member, one in zip(members, said, strict=True) if one is None]:
            await self._client.do("SREM", self._keys.workers, *gone)
        return self._understood(ids, said)

    def _understood(self, ids: Sequence[str], said: Sequence[bytes | None]) -> dict[str, Announcement]:
        found, within = dict[str, Announcement](), timedelta(seconds=self._lease)
        for id, one in zip(ids, said, strict=True):
            heard = self._envelopes.open(self._keys.worker(id), one, Announcement, within=within) if one else None
            if heard is not None:
                found[id] = heard
        return found

    def _hear(self, workers: dict[str, Announcement]) -> None:
        self._workers = workers
        for one in workers.values():
            self._dispatched.mention(one.running.get(self._info.id, ()))

    async def _tell_capacity(self) -> None:
        """Stream workers are seen as the places of the relay that leads."""
        slots: Counter[str] = Counter()
        for one in self._workers.values() if self._leadership.holds() else ():
            slots.update({queue: count for queue, count in one.slots.items() if queue in self._queues})
        if dict(slots) != self._info.queues and await self._store.beat(self._info.id):
            self._info = replace(self._info, queues=dict(slots))
            await self._store.enlist(self._info)

    async def _withdraw(self, runs: Sequence[Run]) -> None:
        """Give back what waits in the streams. Who deletes an entry has the job, and workers announce it before."""
        if not runs:
            return
        await self._client.do_all([("XDEL", run.stream, run.entry) for run in runs if run.entry is not None])
        self._hear(await self._announced())
        waiting = self._dispatched.waiting({run.job.key for run in runs})
        await self._take_back(waiting, "no stream worker took them")

    async def _take_back(self, runs: Sequence[Run], reason: str) -> None:
        """Make them available again; the attempts do not count."""
        if given_back := await self._end(
            [Finish(key=run.job.key, state=JobState.AVAILABLE, refund=True) for run in runs]
        ):
            _log.info("took %d jobs back: %s", given_back, reason)

    async def _give_up(self, runs: Sequence[Run]) -> None:
        """As rescue does with jobs of workers that were lost: the attempt counts, it may be the job that kills them."""
        await self._take_back([run for run in runs if run.forgiven], "what became of them was lost with Dragonfly")
        if lost := await self._end([_lost(run.job) for run in runs if not run.forgiven]):
            _log.warning("took %d jobs from stream workers that were lost", lost)

    async def _end(self, ends: Sequence[Finish]) -> int:
        """How many that counted for: others were stored already, by the relay that leads now."""
        if not ends:
            return 0
        counted = await self._store.finish(ends)
        self._dispatched.remove(end.key for end in ends)
        return len(counted)

    async def _order(self) -> None:
        """Say that this relay is there, which runs are to be cancelled, and which are not theirs who run them."""
        try:
            wanted = await self._store.cancel_requests(self._info.id) if len(self._dispatched) else ()
            await self._withdraw(self._dispatched.waiting(frozenset(wanted)))
        except DatabaseUnavailable:  # no reason for anybody to stop: what ends is stored when it is back
            wanted = self._orders.cancel
        known = self._dispatched.keys()
        announced = {key for one in self._workers.values() for key in one.running.get(self._info.id, ())}
        orders = Orders(cancel=tuple(key for key in wanted if key in known), lost=tuple(announced - known))
        if not known and orders == self._orders:
            return
        millis = int(self._lease * 1000)
        await self._client.do("SET", self._place, self._envelopes.seal(self._place, orders), "PX", millis)
        if news := [key for key in orders.cancel if key not in self._orders.cancel]:
            await self._signal(*(Signal(kind=SignalKind.CANCEL, key=str(key.id)) for key in news))
        self._orders = orders

    # Being a worker of PostgreSQL's -----------------------------------------------------------------------------------

    async def _beat(self) -> None:
        if await self._store.beat(self._info.id):
            await asyncio.sleep(self._lease / 4)
            return
        _log.warning("nothing was heard of this relay for too long: its jobs went to others; it begins anew")
        runs = list(self._dispatched)
        self._dispatched.remove(run.job.key for run in runs)
        await self._store.enlist(self._info)
        await self._client.do_all([("XDEL", run.stream, run.entry) for run in runs if run.entry is not None])

    async def _reconcile(self) -> None:
        """Jobs that were claimed and of which the answer never came go to somebody else."""
        await asyncio.sleep(RECONCILE_SECONDS)
        await self._leadership.trim()
        if lost := await self._store.give_back_unknown(self._info.id, self._dispatched.keys()):
            _log.warning("gave back %d jobs whose claim was never answered", lost)

    async def _listen(self) -> None:
        """Follow signals. Without them everything is found by looking every second."""
        async with self._wake_ups.listen() as signals:
            async for signal in signals:
                match signal.kind:
                    case SignalKind.AVAILABLE if signal.key in self._queues:
                        self._worth_handing_on.set()
                    case SignalKind.CANCEL if len(self._dispatched):
                        self._worth_looking.set()
                    case _:
                        pass

    async def _run_dry(self, until: asyncio.Event, handing_on: asyncio.Task[None]) -> None:
        """When told to, hand on no more, give back what waits, and wait for what runs."""
        await until.wait()
        await ended(handing_on)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._stop_timeout):
                with contextlib.suppress(Unavailable):
                    await self._withdraw(self._dispatched.waiting())
                await self._dispatched.gone()

    async def _leave(self) -> None:
        with contextlib.suppress(CacheUnavailable, TimeoutError):
            async with asyncio.timeout(LEAVE_SECONDS):
                held = [("XDEL", run.stream, run.entry) for run in self._dispatched if run.entry is not None]
                await self._client.do_all([*held, ("DEL", self._place)])
                await self._leadership.resign()
        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                given_back = await self._store.leave(self._info.id)
        except (Unavailable, TimeoutError):
            _log.warning("the database is away: what this relay held goes on when its lease has run out")
        else:
            if given_back:
                _log.info("gave back %d jobs that stream workers had not ended", given_back)


def _lost(job: Claimed) -> Finish:
    if job.attempt >= job.max_attempts:
        return Finish(key=job.key, state=JobState.DISCARDED, error=LOST)
    delay = rescue_delay(job.attempt, job.attempt)  # how many of the attempts were losses only the database knows
    return Finish(key=job.key, state=JobState.RETRYABLE, delay=delay, error=LOST)
