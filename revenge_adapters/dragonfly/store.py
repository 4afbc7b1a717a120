"""The queue as a worker sees it that has no database: jobs come from streams, ends and reports go to one.

What happens to a job is decided by PostgreSQL all the same: a relay claims there, hands on to here, and stores there
what comes back. So `finish` and `report` answer before anybody knows whether they count.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from msgspec.structs import replace
from redis.exceptions import ResponseError
from typing_extensions import override

from revenge_adapters.dragonfly.client import Command, RedisClient
from revenge_adapters.dragonfly.envelopes import Envelopes
from revenge_adapters.dragonfly.holding import Holding
from revenge_adapters.dragonfly.streams import (
    FIELD,
    GROUP,
    PRIORITIES,
    Dispatch,
    Done,
    Keys,
    Orders,
    Reported,
)
from revenge_core.background import ItemOutcome, JobState, Progress
from revenge_core.entity import Entity
from revenge_core.jobs.entities import Claimed, Finish, JobKey, WorkerInfo
from revenge_core.jobs.ports import JobStore

ENDS_AT_ONCE: Final = 100
"""So many ends go into one entry."""
KNOWN_FOR: Final = 0.75
"""Share of the lease for which an announcement is good: two beats may be missed."""


class Entry(Entity, kw_only=True):
    """What stands in a stream. None: nothing that one of our relays wrote lately."""

    stream: str
    id: bytes
    dispatch: Dispatch | None


class StreamJobStore(JobStore):
    """Streams for one worker. Another one with the same `holding` may keep its lease from another thread."""

    def __init__(self, client: RedisClient, holding: Holding, envelopes: Envelopes) -> None:
        self._client = client
        self._holding = holding
        self._envelopes = envelopes
        self._keys = Keys(envelopes)

    @override
    async def enlist(self, worker: WorkerInfo) -> None:
        self._holding.begin(worker)
        await self._client.do_all([*self._announcing(), self._done(Done())])
        self._holding.said()

    @override
    async def beat(self, worker_id: str) -> bool:
        """Say again what runs here. Lost is who could not say so for a lease, also where nobody has noticed."""
        if self._holding.is_lost():
            return False
        await self._announce()
        await self._orders()
        return True

    @override
    async def leave(self, worker_id: str) -> int:
        held = self._holding.keys()
        await self._give_back(held)
        await self._client.do_all([("DEL", self._keys.worker(worker_id)), ("SREM", self._keys.workers, worker_id)])
        return len(held)

    @override
    async def claim(
        self, worker_id: str, slots: Mapping[str, int], *, kinds: Collection[str] | None = None
    ) -> tuple[Claimed, ...]:
        wanted = [(queue, priority) for queue, free in slots.items() if free > 0 for priority in PRIORITIES]
        if not wanted or self._holding.is_lost():
            return ()
        *waiting, time = await self._client.do_all([*(("XLEN", self._keys.queue(*one)) for one in wanted), ("TIME",)])
        left, entries = dict(slots), list[Entry]()
        for (queue, priority), length in zip(wanted, waiting, strict=True):
            if length and left[queue]:
                found = await self._read(self._keys.queue(queue, priority), left[queue])
                left[queue] -= len(found)
                entries += found
        claimed = await self._take(entries, _milliseconds(time)) if entries else ()
        await self._give_back([one.key for one in claimed if kinds is not None and one.kind not in kinds])
        return tuple(one for one in claimed if kinds is None or one.kind in kinds)

    async def _read(self, stream: str, count: int) -> list[Entry]:
        """Entries that nobody else was given.

        Nobody is given them again either, so nothing needs to be acknowledged: what gets lost on the way here comes
        back as a new run.
        """
        read = ("XREADGROUP", "GROUP", GROUP, GROUP, "COUNT", count, "NOACK", "STREAMS", stream, ">")
        (answer,) = await self._client.do_all([read], refusals=True)
        if isinstance(answer, ResponseError):  # there is no group yet, or no more: the server was emptied
            await self._client.do_all([("XGROUP", "CREATE", stream, GROUP, "0", "MKSTREAM")], refusals=True)
            answer = await self._client.do(*read)
        return [self._entry(stream, id, fields) for _, entries in answer or () for id, fields in entries]

    async def _take(self, entries: Sequence[Entry], now: int) -> tuple[Claimed, ...]:
        """Announce the jobs, then delete their entries: who deletes one has the job.

        A relay that takes one back deletes first and looks at announcements then, so that it sees who was quicker.
        What has waited for more than a lease is left to the relay: it may be out of date.
        """
        jobs = [self._new(one) for one in entries]
        try:
            answers = await self._client.do_all(
                [*self._announcing(), *(("XDEL", entry.stream, entry.id) for entry in entries)]
            )
        except BaseException:
            self._holding.drop(job.key for job in jobs if job is not None)
            raise
        self._holding.said()
        ours = list[Claimed]()
        for entry, job, deleted in zip(entries, jobs, answers[-len(entries) :], strict=True):
            waited = timedelta(milliseconds=max(0, now - int(entry.id.partition(b"-")[0])))
            if job is not None and deleted and waited <= self._holding.lease:
                ours.append(replace(job, attempted_at=job.attempted_at + waited))
            elif job is not None:
                self._holding.drop([job.key])
        return tuple(ours)

    def _new(self, entry: Entry) -> Claimed | None:
        """The job of an entry, taken, unless it runs here already."""
        if entry.dispatch is None:
            return None
        job = entry.dispatch.job
        return job if self._holding.take(entry.dispatch.relay, job.queue, job.key) else None

    @override
    async def give_back_unknown(self, worker_id: str, known: Collection[JobKey]) -> int:
        unknown = self._holding.unknown(known)
        await self._give_back(unknown)
        return len(unknown)

    async def _give_back(self, keys: Collection[JobKey]) -> None:
        await self._end([Finish(key=key, state=JobState.AVAILABLE, refund=True) for key in keys])

    @override
    async def finish(self, finishes: Sequence[Finish]) -> frozenset[JobKey]:
        await self._end(finishes)
        return frozenset(finish.key for finish in finishes)

    async def _end(self, finishes: Sequence[Finish]) -> None:
        """Announce that places are free, then say why: a relay that hears of an end looks for free places."""
        batches = [finishes[at : at + ENDS_AT_ONCE] for at in range(0, len(finishes), ENDS_AT_ONCE)]
        if not batches:
            return
        ended = [finish.key for finish in finishes]
        await self._client.do_all(
            [*self._announcing(without=ended), *(self._done(Done(finishes=tuple(batch))) for batch in batches)]
        )
        self._holding.said()
        self._holding.drop(ended)

    @override
    async def report(self, key: JobKey, progress: Progress, items: Sequence[ItemOutcome]) -> bool:
        if not self._holding.has(key):
            return False
        await self._client.do(*self._done(Done(reports=(Reported(key=key, progress=progress, items=tuple(items)),))))
        return True

    @override
    async def cancel_requests(self, worker_id: str) -> tuple[JobKey, ...]:
        held = self._holding.keys()
        return tuple(key for orders in await self._orders() for key in orders.cancel if key in held)

    async def _orders(self) -> list[Orders]:
        """What the relays want whose jobs run here."""
        relays = self._holding.relays()
        if not relays:
            return []
        places = [self._keys.relay(relay) for relay in relays]
        answers = await self._client.do("MGET", *places)
        orders = list[Orders]()
        for relay, place, answer in zip(relays, places, answers, strict=True):
            found = self._envelopes.open(place, answer, Orders, within=self._holding.lease) if answer else None
            if found is not None:
                self._holding.see(relay)
                orders.append(found)
        self._holding.lose(key for order in orders for key in order.lost)
        return orders

    async def _announce(self) -> None:
        await self._client.do_all(self._announcing())
        self._holding.said()

    def _announcing(self, *, without: Collection[JobKey] = ()) -> list[Command]:
        known_for = int(self._holding.lease.total_seconds() * 1000 * KNOWN_FOR)
        worker_id, said = self._holding.worker_id, self._holding.announcement(without=without)
        place = self._keys.worker(worker_id)
        return [
            ("SADD", self._keys.workers, worker_id),
            ("SET", place, self._envelopes.seal(place, said), "PX", known_for),
        ]

    def _done(self, done: Done) -> Command:
        return ("XADD", self._keys.done, "*", FIELD, self._envelopes.seal(self._keys.done, done))

    def _entry(self, stream: str, id: bytes, fields: Mapping[bytes, bytes] | None) -> Entry:
        sealed = (fields or {}).get(FIELD.encode(), b"")
        dispatch = self._envelopes.open(stream, sealed, Dispatch, within=self._holding.lease)
        return Entry(stream=stream, id=id, dispatch=dispatch)


def _milliseconds(time: Any) -> int:  # noqa: ANN401 -- as the driver answers TIME: seconds and microseconds
    seconds, micros = time
    return int(seconds) * 1000 + int(micros) // 1000
