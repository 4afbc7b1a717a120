"""From settings to Dragonfly, and to what carries signals between processes. The driver is loaded where it is used."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.jobs.wakeups import PostgresWakeUps
from revenge_adapters.wiring.place import Place
from revenge_adapters.wiring.settings import Settings
from revenge_core.secrets import Secret

if TYPE_CHECKING:
    from revenge_adapters.dragonfly.client import RedisClient
    from revenge_adapters.dragonfly.wakeups import RedisWakeUps


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
