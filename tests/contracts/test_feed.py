"""The revocation feed in PostgreSQL: announced in order, heard by every cache, trimmed without a gap (rulings R25)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any, Final

import psycopg
import pytest

from revenge_adapters.l1 import CachedPrincipals, CachedRoles, CachedUsers
from revenge_adapters.l1_keys import CachedKeys
from revenge_adapters.postgres.api_keys import PostgresKeyPrincipalReader
from revenge_adapters.postgres.auth import PostgresPrincipalReader
from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.feed import ChangeFollower
from revenge_adapters.postgres.rbac import PostgresRoleReader
from revenge_adapters.postgres.recycled import RecycledDatabase
from revenge_adapters.postgres.uow import FEED_KEPT, PostgresUnitOfWork, trim_changes
from revenge_adapters.postgres.users import PostgresUserReader
from revenge_core.feed import ROLES_CHANGED, SIGNING_KEYS_CHANGED, Change
from revenge_core.ids import UserId
from revenge_core.testing.builders import an_id
from revenge_core.testing.contracts.auth import PrincipalReaderContract
from revenge_core.testing.contracts.rbac import RoleReaderContract
from revenge_core.testing.contracts.users import UserReaderContract
from revenge_core.testing.contracts.world import World, let_others_run
from tests.contracts.postgres_world import announced_in, postgres_uow, postgres_world

PUBLISH: Final = "SELECT revenge.publish_changes(ARRAY['roles'], ARRAY[''])"


class Heard:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.commits: list[tuple[tuple[int, Change], ...]] = []

    def committed(self, changes: tuple[tuple[int, Change], ...]) -> None:
        self.commits.append(changes)


class Mishap(Exception):  # noqa: N818 -- it stands for whatever goes wrong
    pass


@pytest.fixture
async def connection(revenge_postgres: RecycledDatabase) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """Another process's connection."""
    async with await psycopg.AsyncConnection.connect(revenge_postgres.url) as opened:
        yield opened


async def publish(database: Database, *changes: Change) -> tuple[tuple[int, Change], ...]:
    heard = Heard()
    async with postgres_uow(database, heard).begin() as tx:
        tx.feed.publish(*changes)
    return heard.commits[0]


async def publish_and_fail(uow: PostgresUnitOfWork) -> None:
    with suppress(Mishap):
        async with uow.begin() as tx:
            tx.feed.publish(ROLES_CHANGED)
            raise Mishap


async def numbers(connection: psycopg.AsyncConnection[Any]) -> list[int]:
    rows = await connection.execute("SELECT number FROM revenge.changes ORDER BY number")
    found = [number async for (number,) in rows]
    await connection.commit()
    return found


async def test_whoever_publishes_waits_for_the_commit_of_the_one_before(
    database: Database, connection: psycopg.AsyncConnection[Any]
) -> None:
    row = await (await connection.execute(PUBLISH)).fetchone()
    assert row is not None
    second = asyncio.create_task(publish(database, ROLES_CHANGED))
    await let_others_run()
    assert not second.done()
    await connection.commit()
    ((number, _),) = await second
    assert number > row[0]


async def test_no_number_becomes_visible_behind_one_that_was_seen(
    database: Database, connection: psycopg.AsyncConnection[Any]
) -> None:
    looks: list[list[int]] = [[]]
    publishers = [
        asyncio.create_task(publish(database, Change.of_user(UserId(an_id())), ROLES_CHANGED)) for _ in range(40)
    ]
    while not all(publisher.done() for publisher in publishers):
        looks.append(await numbers(connection))
    looks.append(await numbers(connection))
    assert len(looks[-1]) == 80
    assert all(after[: len(before)] == before for before, after in pairwise(looks))


async def test_a_change_that_is_published_twice_is_announced_once(database: Database) -> None:
    user = Change.of_user(UserId(an_id()))
    announced = await publish(database, user, ROLES_CHANGED, user, ROLES_CHANGED)
    assert [change for _, change in announced] == [user, ROLES_CHANGED]


async def test_the_listener_hears_the_numbers_after_the_commit(
    database: Database, connection: psycopg.AsyncConnection[Any]
) -> None:
    announced = await publish(database, ROLES_CHANGED, SIGNING_KEYS_CHANGED)
    assert [number for number, _ in announced] == await numbers(connection)


async def test_the_listener_hears_nothing_of_what_did_not_happen(database: Database) -> None:
    heard = Heard()
    uow = postgres_uow(database, heard)
    async with uow.begin():
        pass
    await publish_and_fail(uow)
    assert heard.commits == []


async def test_a_notification_comes_with_the_commit_and_says_nothing(
    database: Database, connection: psycopg.AsyncConnection[Any]
) -> None:
    await connection.execute("LISTEN revenge_changes")
    await connection.commit()
    await publish_and_fail(postgres_uow(database))
    await publish(database, ROLES_CHANGED)
    heard = [note async for note in connection.notifies(timeout=5, stop_after=1)]
    assert [(note.channel, note.payload) for note in heard] == [("revenge_changes", "")]


async def test_what_was_announced_is_kept_for_an_hour_and_the_feed_says_how_far_it_was_trimmed(
    database: Database, connection: psycopg.AsyncConnection[Any]
) -> None:
    (first, _), (second, _) = await publish(database, ROLES_CHANGED, SIGNING_KEYS_CHANGED)
    ((third, _),) = await publish(database, ROLES_CHANGED)
    await connection.execute(
        "UPDATE revenge.changes SET published_at = published_at - interval '1 hour' WHERE number <= %s", (second,)
    )
    row = await (await connection.execute("SELECT clock_timestamp()")).fetchone()
    await connection.commit()
    assert row is not None
    assert await trim_changes(database, row[0] - timedelta(minutes=1)) == 0
    assert await trim_changes(database, row[0]) == 2
    assert await numbers(connection) == [third]
    assert await trim_changes(database, row[0] + 2 * FEED_KEPT) == 1
    identity = await (await connection.execute("SELECT trimmed_to FROM revenge.feed_identity")).fetchone()
    assert identity == (third,)
    assert first < second < third


class OnCachedPostgres:
    """Runs a suite on PostgreSQL behind the caches of another process than the one that writes."""

    @pytest.fixture
    async def world(self, revenge_postgres: RecycledDatabase, database: Database) -> AsyncIterator[World]:
        follower = ChangeFollower(revenge_postgres.url)

        async def settle() -> None:
            async with await psycopg.AsyncConnection.connect(revenge_postgres.url) as connection:
                announced = (await numbers(connection) or [0])[-1]
            async with asyncio.timeout(5):
                while follower.position()[1] < announced:  # noqa: ASYNC110 -- it offers no event
                    await asyncio.sleep(0.005)

        behind = postgres_world(database, announced_in(revenge_postgres.url))
        world = replace(
            behind,
            users=CachedUsers(PostgresUserReader(database), follower),
            roles=CachedRoles(PostgresRoleReader(database), follower),
            principals=CachedPrincipals(PostgresPrincipalReader(database), follower, follower),
            key_principals=CachedKeys(PostgresKeyPrincipalReader(database), follower),
            settle=settle,
        )
        await follower.start()
        yield world
        await follower.close()


class TestCachedUsers(OnCachedPostgres, UserReaderContract):
    pass


class TestCachedPrincipals(OnCachedPostgres, PrincipalReaderContract):
    pass


class TestCachedRoles(OnCachedPostgres, RoleReaderContract):
    pass
