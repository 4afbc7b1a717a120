"""Guesses that come to two servers at the same moment."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Final

import pytest

from revenge_adapters.memory.clock import ManualClock
from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.recycled import RecycledDatabase
from revenge_core.actor import Actor, Origin
from revenge_core.auth.errors import CredentialsInvalid, TooManyAttempts
from revenge_core.revenge import Revenge
from revenge_core.secrets import Secret
from revenge_core.users.entities import NewUser
from tests.contracts.postgres_world import announced_in, postgres_world
from tests.contracts.services import services_over

RACERS: Final = 50
PASSWORD: Final = Secret("correct horse battery staple")
WRONG: Final = Secret("a bad guess")
HERE: Final = Origin(address="192.0.2.7")


@pytest.fixture
async def servers(revenge_postgres: RecycledDatabase) -> AsyncIterator[tuple[Revenge, Revenge]]:
    """Two servers on one database; Ada has an account."""
    clock = ManualClock()
    databases = [Database(revenge_postgres.url, max_size=10) for _ in range(2)]
    for database in databases:
        await database.open()
    worlds = [postgres_world(database, announced_in(revenge_postgres.url)) for database in databases]
    first, second = (services_over(world, clock) for world in worlds)
    for server in (first, second):
        await server.auth.load_signing_keys()
    await first.accounts.register(NewUser(username="ada", email="ada@example.org"), PASSWORD)
    yield first, second
    for database in databases:
        await database.close()


async def guess(server: Revenge, login: str, origin: Origin, password: Secret = WRONG) -> str:
    try:
        await server.auth.login(login, password, origin)
    except CredentialsInvalid:
        return "wrong"
    except TooManyAttempts:
        return "wait"
    return "right"


@pytest.mark.parametrize("logins", [("ada", "ADA@example.org"), ("nobody", "NOBODY")])
async def test_defect_11_fifty_guesses_at_once_take_no_more_than_the_allowance(
    servers: tuple[Revenge, Revenge], logins: tuple[str, str]
) -> None:
    answers = await asyncio.gather(
        *(guess(servers[number % 2], logins[number // 2 % 2], HERE) for number in range(RACERS))
    )
    assert Counter(answers) == {"wrong": 5, "wait": RACERS - 5}


async def test_guesses_from_everywhere_take_no_more_than_the_accounts_allowance(
    servers: tuple[Revenge, Revenge],
) -> None:
    places = [Origin(address=f"198.51.100.{number}") for number in range(20)]
    answers = Counter(
        await asyncio.gather(
            *(guess(servers[number % 2], "ada", places[number % 20]) for number in range(100)),
        )
    )
    assert 50 <= answers["wrong"] <= 50 + len(places)
    assert await guess(servers[0], "ada", HERE, PASSWORD) == "right"


async def test_right_and_wrong_passwords_at_once_keep_nobody_waiting_in_a_circle(
    servers: tuple[Revenge, Revenge],
) -> None:
    await servers[0].accounts.register(NewUser(username="eve", email="eve@example.org"), PASSWORD)

    async def one(number: int) -> str:
        login, password = ("ada", "eve")[number % 2], (PASSWORD, WRONG, PASSWORD)[number % 3]
        return await guess(servers[number // 2 % 2], login, Origin(address=f"192.0.2.{number % 7}"), password)

    answers = Counter(await asyncio.gather(*(one(number) for number in range(60))))
    assert answers.total() == 60
    assert answers["right"] > 0
    for server in servers:
        await server.guessing.clear(Actor.host(), "192.0.2.1")
