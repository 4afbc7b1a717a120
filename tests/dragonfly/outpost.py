"""Workers without a database: what brings jobs to them, and the jobs they are given."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar, Final

from revenge_adapters.dragonfly.client import RedisClient
from revenge_adapters.dragonfly.envelopes import Envelopes
from revenge_adapters.dragonfly.holding import Holding
from revenge_adapters.dragonfly.relay import StreamRelay
from revenge_adapters.dragonfly.store import StreamJobStore
from revenge_adapters.dragonfly.streams import TOPIC, Keys
from revenge_adapters.dragonfly.upkeep import NoUpkeep
from revenge_adapters.dragonfly.wakeups import RedisWakeUps
from revenge_adapters.memory.sealer import MemorySealer
from revenge_adapters.postgres.sql import Query
from revenge_adapters.taskiq.shift import Shift
from revenge_adapters.taskiq.worker import Worker
from revenge_core.background import Handler, Job, JobContext, JobSpec, JobState, Planned, Queue
from revenge_core.jobs.entities import JobRules
from revenge_core.jobs.ports import JobStore
from revenge_core.jobs.service import Handlers
from revenge_core.secrets import Secret
from revenge_core.testing.builders import a_worker
from tests.redis_server import RedisServer
from tests.taskiq.yard import Yard

STEADY: Final = timedelta(minutes=1)
"""A lease that no slow machine lets run out."""
BRIEF: Final = timedelta(seconds=4)
"""One that a test can wait for."""


MASTER: Final = Secret("what relays and workers have in common, and nobody else")
KEYS: Final = Keys(Envelopes(MASTER))


class Parcel(Job, kw_only=True):
    """Something to do that needs no database."""

    spec: ClassVar[JobSpec] = JobSpec(kind="parcel", queue=Queue.BULK, max_attempts=3, pure=True, timeout=None)

    what: str = "bread"


class Letter(Job, kw_only=True):
    """Something to do that needs one."""

    spec: ClassVar[JobSpec] = JobSpec(kind="letter", queue=Queue.BULK)


class Tally:
    """A handler that notes what it was given, and waits if told to."""

    def __init__(self) -> None:
        self.given: list[int] = []
        self.inside = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.changed = asyncio.Event()

    async def __call__(self, _job: Job, ctx: JobContext) -> None:
        """Note it."""
        self.given.append(ctx.id)
        self.inside += 1
        self.changed.set()
        try:
            await self.gate.wait()
        finally:
            self.inside -= 1
            self.changed.set()

    async def until(self, holds: Callable[["Tally"], bool]) -> None:
        """Wait for it."""
        async with asyncio.timeout(20):
            while not holds(self):
                self.changed.clear()
                await self.changed.wait()


@dataclass
class Outpost:
    """A database, a server between, and workers that see only that."""

    yard: Yard
    server: RedisServer
    lease: timedelta = STEADY
    queues: Sequence[str] = (Queue.BULK,)
    kinds: Sequence[str] = (Parcel.spec.kind,)
    envelopes: Envelopes = field(default_factory=lambda: Envelopes(MASTER))

    async def states(self) -> list[JobState]:
        """Every job's, in the order of their ids."""
        return [JobState(state) for state in await self.asked("SELECT state FROM revenge.jobs ORDER BY id")]

    async def asked(self, sql: str) -> list[str]:
        """What the database answers."""
        return list(await self.yard.database.all(Query[str]("asked", sql, str)))

    async def enqueue(self, count: int, **special: object) -> list[int]:
        """So many parcels."""
        return await self.yard.enqueue(*[Planned(job=Parcel(what=str(one)), **special) for one in range(count)])  # type: ignore[arg-type] # the caller knows the fields

    @asynccontextmanager
    async def client(self) -> AsyncGenerator[RedisClient]:
        """A connection of somebody's own."""
        client = RedisClient(self.server.url, timeout=timedelta(seconds=2))
        try:
            yield client
        finally:
            await client.close()

    @asynccontextmanager
    async def relay(
        self, name: str = "relay", *, store: JobStore | None = None, stop_timeout: timedelta = timedelta(seconds=20)
    ) -> AsyncGenerator[StreamRelay]:
        """A relay beside the block."""
        async with self.client() as client:
            relay = StreamRelay(
                a_worker(name, queues={}),
                store=store or self.yard.store,
                wake_ups=self.yard.wake_ups,
                client=client,
                envelopes=self.envelopes,
                queues=self.queues,
                kinds=self.kinds,
                lease=self.lease,
                stop_timeout=stop_timeout,
            )
            async with relay.running():
                yield relay

    @asynccontextmanager
    async def worker(
        self, handler: Handler[Parcel], name: str = "afar", *, places: int = 3, stop_timeout: timedelta = timedelta(0)
    ) -> AsyncGenerator[Shift]:
        """A worker without a database beside the block."""
        handlers = Handlers(MemorySealer())
        handlers.add(Parcel, handler)
        holding = Holding(handlers.kinds, lease=self.lease)

        @asynccontextmanager
        async def store_of_its_own() -> AsyncGenerator[JobStore]:
            async with self.client() as client:
                yield StreamJobStore(client, holding, self.envelopes)

        async def enqueue(_planned: Planned) -> int:
            raise AssertionError("there is no database to enqueue in")

        async with self.client() as client:
            wake_ups = RedisWakeUps(client, self.envelopes, topic=TOPIC)
            await wake_ups.start()
            shift = Shift(
                a_worker(name, queues={Queue.BULK.value: places}),
                store=StreamJobStore(client, holding, self.envelopes),
                upkeep=NoUpkeep(),
                wake_ups=wake_ups,
                handlers=handlers,
                open_beat_store=store_of_its_own,
                enqueue=enqueue,
                rules=JobRules(lease=self.lease),
                poll=timedelta(milliseconds=200),
                stop_timeout=stop_timeout,
            )
            try:
                async with Worker(shift).running():
                    yield shift
            finally:
                await wake_ups.close()


async def emptied(client: RedisClient, *streams: str) -> None:
    """Wait until nothing is in these streams."""
    async with asyncio.timeout(20):
        while any([await client.do("XLEN", stream) for stream in streams]):  # noqa: ASYNC110 -- it tells nobody
            await asyncio.sleep(0.02)
