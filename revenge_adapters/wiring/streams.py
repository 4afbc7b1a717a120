"""Jobs for workers without a database: the relay beside a program that has one, and the workers themselves."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Never

from dependency_injector import containers, providers

from revenge_adapters.dragonfly.client import RedisClient
from revenge_adapters.dragonfly.envelopes import Envelopes
from revenge_adapters.dragonfly.holding import Holding
from revenge_adapters.dragonfly.relay import StreamRelay
from revenge_adapters.dragonfly.store import StreamJobStore
from revenge_adapters.dragonfly.streams import TOPIC
from revenge_adapters.dragonfly.upkeep import NoUpkeep
from revenge_adapters.dragonfly.wakeups import RedisWakeUps
from revenge_adapters.sealer_cryptography import CryptographySealer
from revenge_adapters.system import SystemClock, Uuid7Ids
from revenge_adapters.taskiq.shift import Shift
from revenge_adapters.taskiq.worker import Worker
from revenge_adapters.wiring.cache import opened_cache
from revenge_adapters.wiring.errors import SecretFileUnusable, StreamsNotSet
from revenge_adapters.wiring.handlers import MoreJobs, register
from revenge_adapters.wiring.identity import worker_info
from revenge_adapters.wiring.mail import mailer
from revenge_adapters.wiring.metrics import Metrics
from revenge_adapters.wiring.program import Program
from revenge_adapters.wiring.rules import job_rules, rules_of, workers_per_queue
from revenge_adapters.wiring.secrets_file import master_key_file, present_secret
from revenge_adapters.wiring.services import Services
from revenge_adapters.wiring.settings import Settings
from revenge_core.background import Planned
from revenge_core.errors import DatabaseUnavailable
from revenge_core.jobs.ports import JobStore
from revenge_core.jobs.service import Handlers
from revenge_core.secrets import Secret


class NoDatabase:
    """Stands for everything that needs the database."""

    def __getattr__(self, name: str) -> Never:
        if name.startswith("__"):
            raise AttributeError(name)  # Python's own questions
        raise DatabaseUnavailable("a worker without a database got a job that needs one; is its kind really pure?")


class StreamAdapters(containers.DeclarativeContainer):
    """What there is without a database. `NoDatabase` stands for each port that is not named here."""

    master_secret = providers.Dependency(instance_of=Secret)
    mailer: providers.Dependency[object] = providers.Dependency()

    clock = providers.Singleton(SystemClock)
    ids = providers.Singleton(Uuid7Ids)
    sealer = providers.Singleton(CryptographySealer, master_secret)
    probes = providers.List()


def relay_of(program: Program, store: JobStore, cache: RedisClient) -> StreamRelay:
    """Hands on the jobs of a program that need no database; not yet at work."""
    settings = program.settings
    return StreamRelay(
        worker_info({}, "relay"),
        store=store,
        wake_ups=program.adapters.wake_ups(),
        client=cache,
        envelopes=Envelopes(program.adapters.master_secret()),
        queues=settings.jobs.streams,
        kinds=program.handlers.pure().kinds,
        lease=settings.jobs.lease,
        stop_timeout=settings.jobs.stop_timeout,
    )


@asynccontextmanager
async def open_stream_worker(
    settings: Settings,
    stopping: asyncio.Event | None = None,
    *,
    jobs: MoreJobs | None = None,
    metrics: Metrics | None = None,
) -> AsyncGenerator[Shift]:
    """A worker without a database at work beside the block, until it ends or `stopping` is set.

    `jobs` adds kinds of the program's own, as with `open_revenge`; those that are not pure are left out here. `metrics`
    counts what jobs do, and shows it where a port is set, without what only the database knows.

    Raises:
        StreamsNotSet: the settings name no cache, no streams, or none of the queues of this process among them.
        SecretFileUnusable: there is no master secret here, and sealed arguments could not be opened.
        CacheUnavailable: Dragonfly cannot be reached.
        MetricsPortUnavailable: somebody else has that port.
    """
    places = {queue: count for queue, count in workers_per_queue(settings).items() if queue in settings.jobs.streams}
    secret = _secret(settings)
    envelopes = Envelopes(secret)
    handlers = _handlers(settings, secret, jobs)
    holding = Holding(handlers.kinds, lease=settings.jobs.lease)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(opened_cache(settings))
        if client is None or not places:
            raise StreamsNotSet
        wake_ups = RedisWakeUps(client, envelopes, topic=TOPIC)
        stack.push_async_callback(wake_ups.close)
        await wake_ups.start()
        shift = Shift(
            worker_info(places, "stream"),
            store=StreamJobStore(client, holding, envelopes),
            upkeep=NoUpkeep(),
            wake_ups=wake_ups,
            handlers=handlers,
            open_beat_store=lambda: _store_for_beats(settings, holding, envelopes),
            enqueue=_no_queue,
            rules=job_rules(settings),
            poll=settings.jobs.poll_interval,
            stop_timeout=settings.jobs.stop_timeout,
            meter=metrics.meter if metrics else None,
        )
        if metrics is not None:
            await stack.enter_async_context(metrics.shown(handlers.kinds))
        await stack.enter_async_context(Worker(shift).running(stopping))
        yield shift


@asynccontextmanager
async def _store_for_beats(settings: Settings, holding: Holding, envelopes: Envelopes) -> AsyncGenerator[JobStore]:
    async with opened_cache(settings) as client:
        if client is None:
            raise StreamsNotSet
        yield StreamJobStore(client, holding, envelopes)


async def _no_queue(_planned: Planned) -> int:
    raise DatabaseUnavailable("a worker without a database enqueues nothing")


def _handlers(settings: Settings, secret: Secret, jobs: MoreJobs | None) -> Handlers:
    """Those of kinds that need no database, over services that have none."""
    adapters = StreamAdapters(master_secret=secret, mailer=mailer(settings))
    nothing = providers.Object(NoDatabase())
    for port in Services.adapters.providers.keys() - adapters.providers.keys():
        adapters.set_provider(port, nothing)
    services = Services(adapters=adapters, rules=rules_of(settings))
    handlers: Handlers = services.handlers()
    register(services.revenge(), handlers, jobs)
    return handlers.pure()


def _secret(settings: Settings) -> Secret:
    secret = settings.auth.jwt_secret or present_secret(settings)
    if secret is None:
        raise SecretFileUnusable(
            f"There is no master secret in {master_key_file(settings.data_dir)}, and a worker without a database makes "
            "none. Give it the one of the servers: REVENGE_AUTH_JWT_SECRET_FILE"
        )
    return secret
