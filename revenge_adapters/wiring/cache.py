"""From settings to Dragonfly, and to what carries signals between processes. The driver is loaded where it is used."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

from dependency_injector import providers

from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.feed import ChangeFollower
from revenge_adapters.postgres.jobs.wakeups import PostgresWakeUps
from revenge_adapters.wiring.place import Place
from revenge_adapters.wiring.production import ProductionAdapters
from revenge_adapters.wiring.settings import Settings
from revenge_core.cache.entities import Recipe
from revenge_core.cache.ports import Cache
from revenge_core.secrets import Secret

if TYPE_CHECKING:
    from revenge_adapters.dragonfly.client import RedisClient
    from revenge_adapters.dragonfly.wakeups import RedisWakeUps

K = TypeVar("K")
V = TypeVar("V")


@asynccontextmanager
async def opened_cache(settings: Settings) -> AsyncGenerator["RedisClient | None"]:
    """A connection for the event loop that runs at the moment, made when it is first needed; None without a cache."""
    if settings.cache.url is None or not settings.cache.enabled:
        yield None
        return
    from revenge_adapters.dragonfly.client import RedisClient

    client = RedisClient(settings.cache.url)
    try:
        yield client
    finally:
        await client.close()


def wake_ups_over(
    cache: "RedisClient | None",
    database: Database,
    place: Place,
    settings: Settings,
    master_secret: Secret,
    *,
    works: bool,
) -> "PostgresWakeUps | RedisWakeUps":
    """Dragonfly carries them where there is one, and the database otherwise. Not started; only who works listens."""
    if cache is None:
        return PostgresWakeUps(database, place.url.reveal(), listen=works and settings.database.notifications)
    from revenge_adapters.dragonfly.envelopes import Envelopes
    from revenge_adapters.dragonfly.wakeups import RedisWakeUps

    return RedisWakeUps(cache, Envelopes(master_secret), listen=works)


@asynccontextmanager
async def equipped(
    adapters: ProductionAdapters,
    cache: "RedisClient | None",
    follower: ChangeFollower,
    master_secret: Secret,
    settings: Settings,
) -> AsyncGenerator[None]:
    """`adapters` make use of the cache meanwhile, where there is one."""
    if cache is None:
        yield
        return
    from revenge_adapters.dragonfly.cache import DragonflyCache, DragonflyEntries
    from revenge_adapters.dragonfly.envelopes import Envelopes
    from revenge_adapters.dragonfly.health import CacheProbe
    from revenge_adapters.dragonfly.limits import DragonflyLimiter
    from revenge_adapters.dragonfly.locks import DragonflyLocks

    envelopes, entries = Envelopes(master_secret), DragonflyEntries(cache)

    def share(recipe: Recipe[K, V]) -> Cache[K, V]:
        return DragonflyCache(entries, envelopes, follower, follower, recipe)

    adapters.probes.add_args(providers.Object(CacheProbe(cache)))
    limiter = DragonflyLimiter(cache, follower, master_secret, adapters.own_limiter())
    adapters.shared_limiter.override(providers.Object(limiter))
    adapters.locks.override(providers.Object(DragonflyLocks(cache, envelopes)))
    if settings.cache.shared:
        adapters.share.override(providers.Object(share))
    try:
        yield
    finally:
        await entries.close()
