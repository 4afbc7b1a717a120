"""From settings to everything that a process of Revenge is made of, and back to nothing."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from revenge_adapters.chores import beside
from revenge_adapters.meter import Meter, NoMeter
from revenge_adapters.passwords_argon2 import Argon2Hasher
from revenge_adapters.postgres.activity import make_partitions
from revenge_adapters.postgres.auth import PostgresSigningKeys
from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.feed import ChangeFollower
from revenge_adapters.postgres.uow import trim_changes
from revenge_adapters.wiring.audit import shipper
from revenge_adapters.wiring.cache import equipped, opened_cache, wake_ups_over
from revenge_adapters.wiring.handlers import MoreJobs, register
from revenge_adapters.wiring.housekeeping import keep_house, keep_loaded, keep_running
from revenge_adapters.wiring.mail import mailer, notice_templates
from revenge_adapters.wiring.metrics import Metrics, reading
from revenge_adapters.wiring.place import Place, find_place
from revenge_adapters.wiring.production import ProductionAdapters
from revenge_adapters.wiring.rules import rules_of
from revenge_adapters.wiring.schema import bring_up_to_date
from revenge_adapters.wiring.secrets_file import master_key_file, master_secret, present_secret
from revenge_adapters.wiring.services import Services
from revenge_adapters.wiring.settings import Settings
from revenge_adapters.wiring.storage import opened_storage
from revenge_core.auth.errors import MasterSecretMismatch
from revenge_core.cache.ports import Locks
from revenge_core.feed import SIGNING_KEYS_CHANGED
from revenge_core.jobs.service import Handlers
from revenge_core.revenge import Revenge
from revenge_core.secrets import Secret

if TYPE_CHECKING:
    from revenge_adapters.dragonfly.client import RedisClient

SIGHTINGS_SECONDS: Final = 5.0
TRIMMING_SECONDS: Final = 3600.0
"""The feed is trimmed by whoever follows it. It is no job: it must go on where queues are paused or nobody works."""
TRIMMING_TAKES: Final = timedelta(minutes=1)
"""At most: of servers that were started together one does it, and the others need not wait for its locks."""
ISSUER: Final = "revenge"
"""Who signs access tokens where no public address is set."""


@dataclass(frozen=True, slots=True)
class Program:
    """What was opened, for those in wiring who need more than a `Revenge`."""

    settings: Settings
    place: Place
    adapters: ProductionAdapters
    handlers: Handlers
    revenge: Revenge
    cache: "RedisClient | None"
    meter: Meter


@asynccontextmanager
async def opened(
    settings: Settings, jobs: MoreJobs | None = None, *, works: bool, metrics: Metrics | None = None
) -> AsyncGenerator[Program]:
    """As `open_revenge`, without a worker; `works` if there is going to be one."""
    async with AsyncExitStack() as stack:
        place = await find_place(settings, stack)
        await asyncio.to_thread(bring_up_to_date, place)

        database = Database(
            place.url.reveal(),
            min_size=settings.database.pool_min,
            max_size=settings.database.pool_max,
            acquire_timeout=settings.database.pool_timeout,
            statement_timeout=settings.database.statement_timeout,
        )
        stack.push_async_callback(database.close)
        with place.naming():
            await database.open()
        secret, secret_place = await _secret_for(settings, database, place)
        follower = ChangeFollower(place.url.reveal(), listen=settings.database.notifications)
        stack.push_async_callback(follower.close)
        cache = await stack.enter_async_context(opened_cache(settings))
        wake_ups = wake_ups_over(cache, database, place, settings, secret, works=works)
        stack.push_async_callback(wake_ups.close)
        hasher = Argon2Hasher(
            memory_kib=settings.passwords.memory_kib,
            time_cost=settings.passwords.time_cost,
            parallelism=settings.passwords.parallelism,
            threads=settings.passwords.threads,
            queue=settings.passwords.queue,
        )
        stack.push_async_callback(asyncio.to_thread, hasher.close)
        storage = await stack.enter_async_context(opened_storage(settings))

        rules = rules_of(settings)
        adapters = ProductionAdapters(
            database=database,
            follower=follower,
            wake_ups=wake_ups,
            hasher=hasher,
            master_secret=secret,
            issuer=settings.server.public_url or ISSUER,
            auth_rules=rules.auth,
            mailer=mailer(settings),
            notice_templates=notice_templates(settings),
            storage=storage,
            checkpoint_shipper=shipper(settings),
        )
        await stack.enter_async_context(equipped(adapters, cache, follower, secret, settings))
        services = Services(
            adapters=adapters,
            rules=rules,
        )
        revenge: Revenge = services.revenge()  # caches subscribe to the feed before it is followed
        handlers: Handlers = services.handlers()
        register(revenge, handlers, jobs)

        with place.naming():
            await follower.start()
            await wake_ups.start()
            await make_partitions(database, follower.now())
        keys = keep_loaded(follower, SIGNING_KEYS_CHANGED, revenge.auth.load_signing_keys)
        await stack.enter_async_context(beside(keys, "revenge signing keys"))
        await _load_signing_keys(revenge, secret_place, place)
        if place.embedded is not None:
            watch = keep_running(place.embedded.ensure_running, follower)
            await stack.enter_async_context(beside(watch, "revenge database watch"))
        chores = keep_house(revenge.sessions.write_sightings, every=SIGHTINGS_SECONDS)
        await stack.enter_async_context(beside(chores, "revenge sightings"))
        key_chores = keep_house(revenge.api_keys.write_sightings, every=SIGHTINGS_SECONDS)
        await stack.enter_async_context(beside(key_chores, "revenge sightings of keys"))
        locks: Locks = adapters.locks()

        async def trim() -> None:
            async with locks.held("feed trimming", at_most=TRIMMING_TAKES) as ours:
                if ours:
                    await trim_changes(database, follower.now())

        trimming = keep_house(trim, every=TRIMMING_SECONDS)
        await stack.enter_async_context(beside(trimming, "revenge feed trimming"))
        if metrics is not None:
            metrics.count(adapters.caches())
            shown = metrics.shown(handlers.kinds, reading(database, adapters.job_reader(), follower))
            await stack.enter_async_context(shown)
        yield Program(
            settings=settings,
            place=place,
            adapters=adapters,
            handlers=handlers,
            revenge=revenge,
            cache=cache,
            meter=metrics.meter if metrics else NoMeter(),
        )


async def _secret_for(settings: Settings, database: Database, place: Place) -> tuple[Secret, str]:
    """The master secret. None is made where keys are wrapped already: it would only hide that theirs is lost."""
    if settings.auth.jwt_secret is None and present_secret(settings) is None:
        async with database.transaction() as transaction:
            keys = await PostgresSigningKeys(transaction).lock_all()
        # Looked at again: a process that starts beside this one makes the file first, then the keys.
        if keys and present_secret(settings) is None:
            raise MasterSecretMismatch(
                f"{master_key_file(settings.data_dir)} is missing, and the signing keys in {place.name} were wrapped "
                "with what it held. Put it back from a backup; docs/operations.md says how to go on without it"
            )
    return master_secret(settings)


async def _load_signing_keys(revenge: Revenge, secret_place: str, place: Place) -> None:
    """Load them, or name the two things that do not belong together (rulings R21)."""
    try:
        await revenge.auth.load_signing_keys()
    except MasterSecretMismatch as problem:
        raise MasterSecretMismatch(
            f"The master secret from {secret_place} is not the one that wrapped the signing keys in {place.name}. "
            "Give this server the secret of that database, or the database of that secret; `revenge doctor` shows both"
        ) from problem
