"""Whatever becomes of the cache, every decision is the same, and nobody waits for it (decisions A7, reliability 5).

Two servers with the product's own wiring share a database, and a cache that is away, slow, emptied, wrong or hostile.
"""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import pytest

from revenge_adapters import open_revenge
from revenge_adapters.postgres.recycled import RecycledDatabase
from revenge_adapters.wiring.settings import Auth, Cache, Database, Passwords, Settings
from revenge_core.actor import Actor, Origin
from revenge_core.apikeys.entities import KeyScope, NewKey
from revenge_core.errors import RevengeError
from revenge_core.health.entities import Status
from revenge_core.limits.entities import Tier
from revenge_core.revenge import Revenge
from revenge_core.secrets import Secret
from revenge_core.users.entities import NewUser
from tests.redis_server import RedisServer

T = TypeVar("T")
Spoil: TypeAlias = Callable[[], Awaitable[None]]

HOST: Final = Actor.host()
ORIGIN: Final = Origin(address="192.0.2.9")
PASSWORD: Final = Secret("a quiet evening")
WRONG: Final = Secret("a loud evening")
KNOWN_EVERYWHERE_SECONDS: Final = 2.0
"""Decisions I4: the longest that another server may go on as if nothing had happened."""
LONGEST_CALL_SECONDS: Final = 1.5
"""A slow cache takes 2 s. What a call may wait for it is 0.15 s in all; the rest is for a busy machine."""

DECIDED: Final = {
    "wrong password": "credentials_invalid",
    "me elsewhere": "ada",
    "guessing": "too_many_attempts",
    "before the role": "permission_denied",
    "with the role, elsewhere": "allowed",
    "without the role, here": "permission_denied",
    "without the role, elsewhere": "permission_denied",
    "key": "ada",
    "key elsewhere": "ada",
    "nobody's key": "api_key_invalid",
    "revoked key, here": "api_key_invalid",
    "revoked key, elsewhere": "api_key_invalid",
    "ended session, here": "session_ended",
    "ended session, elsewhere": "session_ended",
    "requests let through": "all of the quota",
}


class World:
    """Two servers, what spoils their cache between any two calls, and how long the longest call took."""

    def __init__(self, here: Revenge, there: Revenge, spoil: Spoil) -> None:
        self.here = here
        self.there = there
        self.longest = 0.0
        self._spoil = spoil

    async def said(self, call: Callable[[], Awaitable[object]]) -> str:
        """What came of a call: the code of its error, or `allowed`."""
        await self._spoil()
        began = time.monotonic()
        try:
            found = await call()
        except RevengeError as error:
            return error.code
        finally:
            self.longest = max(self.longest, time.monotonic() - began)
        return found if isinstance(found, str) else "allowed"

    async def soon(self, call: Callable[[], Awaitable[object]], wanted: str) -> str:
        """What another server says as soon as it says that, or else in the end."""
        until = time.monotonic() + KNOWN_EVERYWHERE_SECONDS
        while (said := await self.said(call)) != wanted and time.monotonic() < until:  # noqa: ASYNC110 -- another server tells nobody
            await asyncio.sleep(0.02)
        return said


async def decisions(world: World) -> dict[str, str]:
    """Every control that a cache is anywhere near of, asked for its decision."""
    here, there = world.here, world.there
    said: dict[str, str] = {}
    user = await here.accounts.register(NewUser(username="ada", email="ada@example.org"), PASSWORD, ORIGIN)
    said["wrong password"] = await world.said(lambda: here.auth.login("ada", WRONG, ORIGIN))
    token = (await here.auth.login("ada", PASSWORD, ORIGIN)).tokens.access_token.reveal()

    async def me(server: Revenge) -> str:
        return (await server.users.me(await server.auth.authenticate(token, ORIGIN))).username

    async def lists_roles(server: Revenge) -> object:
        return await server.rbac.list(await server.auth.authenticate(token, ORIGIN))

    said["me elsewhere"] = await world.said(lambda: me(there))
    said["before the role"] = await world.said(lambda: lists_roles(there))
    await here.grants.assign(HOST, user.user.id, "admin")
    said["with the role, elsewhere"] = await world.soon(lambda: lists_roles(there), "allowed")
    other = await here.accounts.register(NewUser(username="grace", email="grace@example.org"), PASSWORD, ORIGIN)
    await here.grants.assign(HOST, other.user.id, "admin")  # the last one could not be withdrawn
    await here.grants.withdraw(HOST, user.user.id, "admin")
    said["without the role, here"] = await world.said(lambda: lists_roles(here))
    said["without the role, elsewhere"] = await world.soon(lambda: lists_roles(there), "permission_denied")

    made = await here.api_keys.create(
        await here.auth.authenticate(token, ORIGIN), NewKey(name="shelf", scopes=frozenset({KeyScope.READ}))
    )

    async def by_key(server: Revenge, secret: Secret = made.secret) -> str:
        return (await server.users.me(await server.api_keys.authenticate(secret, ORIGIN))).username

    said["key"] = await world.said(lambda: by_key(here))
    said["key elsewhere"] = await world.said(lambda: by_key(there))
    said["nobody's key"] = await world.said(lambda: by_key(there, Secret("rv_" + "0" * 64)))
    await here.api_keys.revoke(await here.auth.authenticate(token, ORIGIN), made.key.id)
    said["revoked key, here"] = await world.said(lambda: by_key(here))
    said["revoked key, elsewhere"] = await world.soon(lambda: by_key(there), "api_key_invalid")

    await here.auth.logout(await here.auth.authenticate(token, ORIGIN))
    said["ended session, here"] = await world.said(lambda: me(here))
    said["ended session, elsewhere"] = await world.soon(lambda: me(there), "session_ended")

    for _ in range(8):
        said["guessing"] = await world.said(lambda: there.auth.login("ada", WRONG, ORIGIN))
    quota = here.limits.quota(Tier.ACCOUNT)
    allowed = 0
    for _ in range(quota.burst + 3):
        await world._spoil()
        allowed += (await here.limits.take(Tier.ACCOUNT, "192.0.2.77")).allowed
    said["requests let through"] = "all of the quota" if allowed == quota.burst else f"{allowed} of {quota.burst}"
    return said


# What may become of a cache ------------------------------------------------------------------------------------------


async def nothing() -> None:
    """The cache is left alone."""


@asynccontextmanager
async def well(server: RedisServer) -> AsyncGenerator[tuple[Secret, Spoil]]:
    yield server.url, nothing


@asynccontextmanager
async def absent(server: RedisServer) -> AsyncGenerator[tuple[Secret, Spoil]]:
    server.kill()
    yield server.url, nothing


@asynccontextmanager
async def silent(server: RedisServer) -> AsyncGenerator[tuple[Secret, Spoil]]:
    server.freeze()
    yield server.url, nothing
    server.thaw()


@asynccontextmanager
async def slow(server: RedisServer) -> AsyncGenerator[tuple[Secret, Spoil]]:
    """Every answer comes two seconds late."""

    async def late(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                await asyncio.sleep(2)
                sink.write(data)
        finally:
            sink.close()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_unix_connection(server.socket)
        await asyncio.gather(late(reader, forth), late(back, writer), return_exceptions=True)

    async with _listening(server, talk) as url:
        yield url, nothing


@asynccontextmanager
async def garbled(server: RedisServer) -> AsyncGenerator[tuple[Secret, Spoil]]:
    """It answers, but not to what it was asked."""
    answers = [b"+OK\r\n", b"*1\r\n$3\r\nabc\r\n", b":7\r\n", b"$-1\r\n", b"\x00\xff\r\n", b"*-1\r\n", b"-ERR no\r\n"]

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.read(65536):
                writer.write(random.choice(answers))
        finally:
            writer.close()

    async with _listening(server, talk) as url:
        yield url, nothing


@asynccontextmanager
async def emptied(server: RedisServer) -> AsyncGenerator[tuple[Secret, Spoil]]:
    async def spoil() -> None:
        server.flush()

    yield server.url, spoil


@asynccontextmanager
async def restarted(server: RedisServer) -> AsyncGenerator[tuple[Secret, Spoil]]:
    chance = random.Random(3)

    async def spoil() -> None:
        if chance.random() < 0.2:
            server.kill()
            server.start()

    yield server.url, spoil


@asynccontextmanager
async def poisoned(server: RedisServer) -> AsyncGenerator[tuple[Secret, Spoil]]:
    """Whatever is in it is noise before the next call."""

    async def spoil() -> None:
        for name in _names(server):
            server.say("SET", name, random.randbytes(200), "PX", "60000")

    yield server.url, spoil


@asynccontextmanager
async def repeating(server: RedisServer) -> AsyncGenerator[tuple[Secret, Spoil]]:
    """It gives what it was given first, for ever."""
    first: dict[bytes, bytes] = {}

    async def spoil() -> None:
        for name in _names(server):
            if name not in first:
                _, _, rest = server.say("GET", name).partition(b"\r\n")
                first[name] = rest[:-2]
            server.say("SET", name, first[name])

    yield server.url, spoil


def _names(server: RedisServer) -> list[bytes]:
    """Those of remembered values; limits have other names, and a test of their own that they are put right."""
    return [line for line in server.say("KEYS", "*:cache:*").split(b"\r\n") if b":cache:" in line]


@asynccontextmanager
async def _listening(server: RedisServer, talk: Any) -> AsyncGenerator[Secret]:  # noqa: ANN401 -- as asyncio has it
    """Whoever talks there is told to stop at the end, and has hung up before the loop closes."""
    place = server.socket.with_name("p")
    talks: set[asyncio.Task[None]] = set()

    def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(asyncio.create_task(talk(reader, writer)))

    async with await asyncio.start_unix_server(meet, place):
        yield Secret(f"unix://{place}")
        for one in talks:
            one.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


FAULTS: Final[tuple[Callable[[RedisServer], AbstractAsyncContextManager[tuple[Secret, Spoil]]], ...]] = (
    well,
    absent,
    silent,
    slow,
    garbled,
    emptied,
    restarted,
    poisoned,
    repeating,
)


@pytest.mark.asvs("16.5.2", "16.5.3")
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
async def test_every_decision_is_the_same_whatever_becomes_of_the_cache(
    fault: Callable[[RedisServer], AbstractAsyncContextManager[tuple[Secret, Spoil]]],
    redis_server: RedisServer,
    revenge_postgres: RecycledDatabase,
    tmp_path: Path,
) -> None:
    async with fault(redis_server) as (url, spoil):
        settings = Settings(
            data_dir=tmp_path,
            auth=Auth(jwt_secret=Secret("a secret that both servers have in common")),
            cache=Cache(url=url, shared=True),
            database=Database(
                url=Secret(revenge_postgres.url), owner_url=Secret(revenge_postgres.owner_url), pool_min=1
            ),
            passwords=Passwords(memory_kib=8, time_cost=1),
        )
        async with open_revenge(settings, worker=False) as here, open_revenge(settings, worker=False) as there:
            world = World(here, there, spoil)
            assert await decisions(world) == DECIDED
            assert world.longest < LONGEST_CALL_SECONDS
            readiness = await here.health.readiness(HOST)
            is_away = fault in {absent, silent, slow, garbled}
            assert readiness.status is (Status.DEGRADED if is_away else Status.HEALTHY)
