"""Wake-ups over a real server: what reaches whom, and what becomes of them when the server does not."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from revenge_adapters.dragonfly.client import RedisClient
from revenge_adapters.dragonfly.envelopes import Envelopes
from revenge_adapters.dragonfly.wakeups import TOPIC, RedisWakeUps
from revenge_adapters.listeners import EVERYTHING
from revenge_core.background import Queue
from revenge_core.jobs.entities import Signal, SignalKind
from revenge_core.secrets import Secret
from revenge_core.testing.contracts.wake_ups import WakeUpsContract
from tests.redis_server import RedisServer

BULK = Signal(kind=SignalKind.AVAILABLE, key=Queue.BULK)
CANCEL = Signal(kind=SignalKind.CANCEL, key="7")
MARK = Signal(kind=SignalKind.CANCEL, key="the last one")
ENVELOPES = Envelopes(Secret("what these processes have in common"))

Open = Callable[[], Awaitable[RedisWakeUps]]


@pytest.fixture
async def open_wake_ups(redis_server: RedisServer) -> AsyncIterator[Open]:
    """Makes one more process, as far as wake-ups are concerned."""
    async with AsyncExitStack() as stack:

        async def opened() -> RedisWakeUps:
            client = RedisClient(redis_server.url)
            stack.push_async_callback(client.close)
            wake_ups = RedisWakeUps(client, ENVELOPES)
            await wake_ups.start()
            stack.push_async_callback(wake_ups.close)
            return wake_ups

        yield opened


class TestRedisWakeUps(WakeUpsContract):
    @pytest.fixture
    async def wake_ups(self, open_wake_ups: Open) -> RedisWakeUps:
        return await open_wake_ups()


async def take(signals: AsyncIterator[Signal], count: int = 1) -> list[Signal]:
    async with asyncio.timeout(10):
        return [await anext(signals) for _ in range(count)]


async def take_until(signals: AsyncIterator[Signal], last: Signal) -> list[Signal]:
    taken = await take(signals)
    while taken[-1] != last:
        taken += await take(signals)
    return taken


async def test_a_signal_reaches_other_processes_and_the_own(open_wake_ups: Open) -> None:
    here, there = await open_wake_ups(), await open_wake_ups()
    async with here.listen() as own, there.listen() as others:
        await take(own, len(EVERYTHING))
        await take(others, len(EVERYTHING))
        here.send([BULK, CANCEL])
        assert await take(own, 2) == [BULK, CANCEL]
        assert await take(others, 2) == [BULK, CANCEL]


async def test_who_hears_its_own_signal_directly_does_not_hear_it_again_from_the_server(open_wake_ups: Open) -> None:
    here, there = await open_wake_ups(), await open_wake_ups()
    async with here.listen() as own:
        await take(own, len(EVERYTHING))
        here.send([BULK])
        assert await take(own) == [BULK]
        async with there.listen() as others:
            await take_until(others, BULK)  # by now the server has told everybody
        there.send([MARK])
        assert await take(own) == [MARK]


async def test_many_of_the_same_are_one(redis_server: RedisServer, open_wake_ups: Open) -> None:
    here, there = await open_wake_ups(), await open_wake_ups()
    async with there.listen() as others:
        await take(others, len(EVERYTHING))
        for _ in range(1000):
            here.send([BULK])
        here.send([MARK])
        assert (await take_until(others, MARK)).count(BULK) == 1


async def test_with_the_server_dead_nothing_is_raised_and_one_still_wakes_oneself(
    redis_server: RedisServer, open_wake_ups: Open
) -> None:
    here = await open_wake_ups()
    async with here.listen() as own:
        await take(own, len(EVERYTHING))
        redis_server.kill()
        here.send([BULK])
        assert await take(own) == [BULK]


async def test_after_the_server_was_away_everything_is_signalled_and_signals_flow_again(
    redis_server: RedisServer, open_wake_ups: Open
) -> None:
    here, there = await open_wake_ups(), await open_wake_ups()
    async with here.listen() as own, there.listen() as others:
        await take(own, len(EVERYTHING))
        await take(others, len(EVERYTHING))
        redis_server.kill()
        here.send([BULK])  # lost to others: nobody carries it
        assert await take(own) == [BULK]
        redis_server.start()
        assert await take(others, len(EVERYTHING)) == [*EVERYTHING]
        assert await take(own, len(EVERYTHING)) == [*EVERYTHING]
        there.send([CANCEL])
        assert await take(own) == [CANCEL]


async def test_a_server_that_is_not_there_yet_is_found_when_it_comes(
    redis_server: RedisServer, open_wake_ups: Open
) -> None:
    redis_server.kill()
    here = await open_wake_ups()
    async with here.listen() as own:
        redis_server.start()
        assert await take(own, len(EVERYTHING)) == [*EVERYTHING]


async def test_emptying_the_server_harms_nothing(redis_server: RedisServer, open_wake_ups: Open) -> None:
    here, there = await open_wake_ups(), await open_wake_ups()
    async with there.listen() as others:
        await take(others, len(EVERYTHING))
        redis_server.flush()
        here.send([BULK])
        assert await take(others) == [BULK]


@pytest.mark.parametrize(
    "garbage", [b"", b"hello", b"[]", b'{"sender": 1}', b'{"sender":"x","signals":[{"kind":"none"}]}', b"\x00\xff"]
)
async def test_garbage_on_the_channel_is_passed_over(
    redis_server: RedisServer, open_wake_ups: Open, garbage: bytes
) -> None:
    here, there = await open_wake_ups(), await open_wake_ups()
    async with there.listen() as others:
        await take(others, len(EVERYTHING))
        assert redis_server.say("PUBLISH", ENVELOPES.name(TOPIC), garbage) in {b":1\r\n", b":2\r\n"}
        here.send([BULK])
        assert await take(others) == [BULK]


async def test_a_server_that_hangs_holds_nobody_up(redis_server: RedisServer, open_wake_ups: Open) -> None:
    here = await open_wake_ups()
    async with here.listen() as own:
        await take(own, len(EVERYTHING))
        redis_server.freeze()
        try:
            here.send([BULK])
            assert await take(own) == [BULK]
            async with asyncio.timeout(5):
                await here.close()
        finally:
            redis_server.thaw()


async def test_the_last_signals_are_still_sent_by_who_leaves(open_wake_ups: Open) -> None:
    here, there = await open_wake_ups(), await open_wake_ups()
    async with there.listen() as others:
        await take(others, len(EVERYTHING))
        here.send([BULK])
        await here.close()
        assert await take(others) == [BULK]


async def test_an_address_is_shown_without_its_password() -> None:
    client = RedisClient(Secret("redis://user:hunter2@cache.lan:6380/3"))
    assert client.name == "redis://cache.lan:6380/3"
    await client.close()
