"""What processes remember together of a real database, by a real feed."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final, TypeVar

import psycopg
import pytest

from revenge_adapters.dragonfly.cache import DragonflyCache, DragonflyEntries
from revenge_adapters.dragonfly.client import RedisClient
from revenge_adapters.dragonfly.envelopes import Envelopes
from revenge_adapters.l1 import CachedPrincipals, CachedUsers
from revenge_adapters.postgres.auth import PostgresPrincipalReader
from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.feed import ChangeFollower
from revenge_adapters.postgres.recycled import RecycledDatabase
from revenge_adapters.postgres.users import PostgresUserReader
from revenge_core.cache.entities import Mark, Recipe
from revenge_core.cache.ports import Cache
from revenge_core.feed import ROLES_CHANGED
from revenge_core.secrets import Secret
from revenge_core.testing.contracts.auth import PrincipalReaderContract
from revenge_core.testing.contracts.users import UserReaderContract
from revenge_core.testing.contracts.world import World
from tests.contracts.postgres_world import announced_in, postgres_uow, postgres_world
from tests.redis_server import RedisServer

K = TypeVar("K")
V = TypeVar("V")

PATIENCE_SECONDS: Final = 5


@asynccontextmanager
async def following(url: str) -> AsyncGenerator[ChangeFollower]:
    follower = ChangeFollower(url)
    await follower.start()
    try:
        yield follower
    finally:
        await follower.close()


async def announce(database: Database, *followers: ChangeFollower) -> None:
    """One more change, and wait until all have heard of it."""
    before = max(follower.mark().number for follower in followers)
    async with postgres_uow(database).begin() as tx:
        tx.feed.publish(ROLES_CHANGED)
    await until(*followers, number=before + 1)


async def until(*followers: ChangeFollower, number: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while min(follower.mark().number for follower in followers) < number:  # noqa: ASYNC110 -- it offers no event
            await asyncio.sleep(0.005)


class OnSharedPostgres:
    """Runs a suite behind what several processes remember, none of which is the one that writes."""

    @pytest.fixture
    async def world(
        self, revenge_postgres: RecycledDatabase, database: Database, redis_server: RedisServer
    ) -> AsyncIterator[World]:
        client = RedisClient(redis_server.url)
        entries, envelopes = DragonflyEntries(client), Envelopes(Secret("a master secret that only tests use"))
        async with following(revenge_postgres.url) as follower:

            def share(recipe: Recipe[K, V]) -> Cache[K, V]:
                return DragonflyCache(entries, envelopes, follower, follower, recipe)

            async def settle() -> None:
                async with await psycopg.AsyncConnection.connect(revenge_postgres.url) as connection:
                    row = await (await connection.execute("SELECT max(number) FROM revenge.changes")).fetchone()
                await until(follower, number=0 if row is None else row[0] or 0)
                await entries.close()

            yield replace(
                postgres_world(database, announced_in(revenge_postgres.url)),
                users=CachedUsers(PostgresUserReader(database), follower, share=share),
                principals=CachedPrincipals(PostgresPrincipalReader(database), follower, follower, share=share),
                settle=settle,
            )
        await entries.close()
        await client.close()


class TestUsersShared(OnSharedPostgres, UserReaderContract):
    pass


class TestPrincipalsShared(OnSharedPostgres, PrincipalReaderContract):
    pass


async def test_followers_of_one_feed_understand_each_other(
    revenge_postgres: RecycledDatabase, database: Database
) -> None:
    async with following(revenge_postgres.url) as one, following(revenge_postgres.url) as other:
        await announce(database, one, other)
        mark = one.mark()
        assert mark == other.mark()
        assert other.position_of(mark) == other.position()
        ahead = Mark(lineage=mark.lineage, number=mark.number + 1)
        assert other.position_of(ahead) is None
        await announce(database, one, other)
        position = other.position_of(mark)
        assert position is not None
        assert other.changed_since([ROLES_CHANGED], position)


async def test_who_starts_later_vouches_for_nothing_from_before(
    revenge_postgres: RecycledDatabase, database: Database
) -> None:
    async with following(revenge_postgres.url) as early:
        mark = early.mark()
        await announce(database, early)
        async with following(revenge_postgres.url) as late:
            position = late.position_of(mark)
            assert position is not None
            assert late.changed_since([], position)


async def test_a_restored_feed_is_another_one_although_its_incarnation_and_numbers_came_back(
    revenge_postgres: RecycledDatabase, database: Database
) -> None:
    async with following(revenge_postgres.url) as follower:
        await announce(database, follower)
        mark = follower.mark()
        async with await psycopg.AsyncConnection.connect(revenge_postgres.superuser_url) as connection:
            rows = await (await connection.execute("SELECT number, topic, key FROM revenge.changes")).fetchall()
            await connection.execute("TRUNCATE revenge.changes")
            for row in rows:
                await connection.execute("INSERT INTO revenge.changes (number, topic, key) VALUES (%s, %s, %s)", row)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while follower.mark().lineage == mark.lineage:  # noqa: ASYNC110 -- it offers no event
                await asyncio.sleep(0.01)
        assert follower.mark().number == mark.number
        assert follower.position_of(mark) is None
