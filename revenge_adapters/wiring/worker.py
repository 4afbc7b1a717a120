"""Processes that run jobs: beside a server, on their own, and under Taskiq's command line."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager

from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.jobs.store import PostgresJobStore
from revenge_adapters.postgres.jobs.upkeep import PostgresJobUpkeep
from revenge_adapters.taskiq.broker import JobBroker
from revenge_adapters.taskiq.shift import Shift
from revenge_adapters.taskiq.worker import Worker
from revenge_adapters.wiring.handlers import named_jobs
from revenge_adapters.wiring.identity import worker_info
from revenge_adapters.wiring.metrics import Metrics
from revenge_adapters.wiring.program import Program, opened
from revenge_adapters.wiring.rules import job_rules, workers_per_queue
from revenge_adapters.wiring.settings import Settings, load_settings
from revenge_adapters.wiring.told import Told
from revenge_core.actor import Actor
from revenge_core.background import Planned
from revenge_core.jobs.ports import JobStore

Announce = Callable[[str], None]


def broker() -> JobBroker:
    """What Taskiq's command line starts, with settings as `revenge worker` reads them; nothing is opened before.

    `taskiq worker revenge_adapters.wiring.worker:broker --receiver revenge_adapters.taskiq.receiver:JobReceiver`
    """
    return JobBroker(_shift_for_taskiq)


@asynccontextmanager
async def _shift_for_taskiq(works: bool) -> AsyncGenerator[Shift]:  # noqa: FBT001 -- the broker knows which it is
    settings = load_settings().settings
    async with opened(settings, named_jobs(settings), works=works) as program, opened_shift(program) as shift:
        yield shift


def work(settings: Settings, announce: Announce, *, supervised: bool = False, stream: bool = False) -> None:
    """Run jobs until SIGTERM or SIGINT, then let running ones finish; a second signal interrupts them at once.

    `announce` gets what whoever starts the worker must see. A supervised one is told by its standard input: `s` to
    stop, `n` to stop at once; where that ends it stops, for whoever supervised it is gone. With `stream` it works
    without a database.

    Raises:
        SettingsInvalid: what `jobs.module` names cannot be used.
        DatabaseUnavailable, SecretFileUnusable, MasterSecretMismatch, …: as `open_revenge`.
        StreamsNotSet, CacheUnavailable: with `stream`.
    """
    told = Told(once=supervised)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(told.obeyed_by(_work(settings, announce, told, supervised=supervised, stream=stream)))


async def _work(settings: Settings, announce: Announce, told: Told, *, supervised: bool, stream: bool) -> None:
    if supervised:
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), _read, told)
    async with _at_work(settings, told.to_stop, stream=stream) as queues:
        told.started = True
        announce(f"Revenge runs jobs of {', '.join(queues)}")
        await told.to_stop.wait()


@asynccontextmanager
async def _at_work(settings: Settings, stopping: asyncio.Event, *, stream: bool) -> AsyncGenerator[Iterable[str]]:
    """The queues of which jobs run beside the block."""
    metrics, jobs = Metrics(settings), named_jobs(settings)
    if not stream:
        async with opened(settings, jobs, works=True, metrics=metrics) as program, working(program, stopping):
            yield settings.jobs.queues
        return
    from revenge_adapters.wiring.streams import open_stream_worker

    async with open_stream_worker(settings, stopping, jobs=jobs, metrics=metrics) as shift:
        yield shift.info.queues


def _read(told: Told) -> None:
    said = os.read(sys.stdin.fileno(), 64)
    if b"n" in said:
        told.stop_now()
    else:
        told.stop()
    if not said:
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ModuleNotFoundError:  # it is quicker, and not needed
        return None
    return uvloop.new_event_loop


@asynccontextmanager
async def working(program: Program, stopping: asyncio.Event | None) -> AsyncGenerator[None]:
    """Jobs run beside the block, until it ends or `stopping` is set."""
    stopping = stopping or asyncio.Event()
    async with opened_shift(program) as shift, _relaying(program, stopping), Worker(shift).running(stopping):
        yield
        stopping.set()  # the worker and the relay stop at the same time


@asynccontextmanager
async def _relaying(program: Program, stopping: asyncio.Event) -> AsyncGenerator[None]:
    """Workers without a database get jobs as well, where the settings say so."""
    if program.cache is None or not program.settings.jobs.streams:
        yield
        return
    from revenge_adapters.wiring.streams import relay_of

    async with _connected(program, at_most=2) as database:
        store = PostgresJobStore(database, program.adapters.wake_ups())
        async with relay_of(program, store, program.cache).running(stopping):
            yield


@asynccontextmanager
async def opened_shift(program: Program) -> AsyncGenerator[Shift]:
    """A worker of this process, not yet at work.

    It has connections of its own: neither requests nor handlers that use up the program's can keep it from claiming
    jobs and storing how they ended.
    """
    settings, adapters = program.settings, program.adapters
    wake_ups = adapters.wake_ups()

    async def enqueue(planned: Planned) -> int:
        (enqueued,) = await program.revenge.jobs.enqueue(Actor.system(), planned)
        return enqueued.id

    @asynccontextmanager
    async def store_for_beats() -> AsyncGenerator[JobStore]:
        async with _connected(program, at_most=1) as database:
            yield PostgresJobStore(database, wake_ups)

    async with _connected(program, at_most=2) as database:  # a claim and a finish at the same time
        yield Shift(
            worker_info(workers_per_queue(settings)),
            store=PostgresJobStore(database, wake_ups),
            upkeep=PostgresJobUpkeep(database, wake_ups, adapters.sealer()),
            wake_ups=wake_ups,
            handlers=program.handlers,
            open_beat_store=store_for_beats,
            enqueue=enqueue,
            rules=job_rules(settings),
            poll=settings.jobs.poll_interval,
            stop_timeout=settings.jobs.stop_timeout,
            meter=program.meter,
        )


@asynccontextmanager
async def _connected(program: Program, *, at_most: int) -> AsyncGenerator[Database]:
    """For the event loop that runs at the moment."""
    given = program.settings.database
    database = Database(
        program.place.url.reveal(), min_size=1, max_size=at_most, statement_timeout=given.statement_timeout
    )
    try:
        with program.place.naming():
            await database.open()
        yield database
    finally:
        await database.close()
