"""Counting requests: in one process, and together through a server that may be away, slow, emptied or wrong."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import cycle
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from revenge_adapters.dragonfly.client import RedisClient
from revenge_adapters.dragonfly.limits import DragonflyLimiter
from revenge_adapters.limits import SHARED_PLACES, TABLES, ProcessLimiter
from revenge_adapters.memory.clock import ManualClock
from revenge_core.limits.entities import LimitRules, Quota, Tier, Verdict
from revenge_core.limits.policy import address_key, per_minute
from revenge_core.limits.ports import RateLimiter
from revenge_core.secrets import Secret
from revenge_core.testing.contracts.limits import QUOTA, STEP, Counting, OwnLimiterContract, RateLimiterContract
from tests.redis_server import RedisServer

SECRET: Final = Secret("a master secret that only tests use, long enough")


class Time:
    """One present, as a clock and as a count of nanoseconds."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.passed = 0.0

    def nanoseconds(self) -> int:
        return round((1000 + self.passed) * 1e9)

    def monotonic(self) -> float:
        return 1000 + self.passed

    async def pass_(self, seconds: float) -> None:
        self.passed += seconds
        self.clock.advance(seconds=seconds)


class World:
    """Servers over one cache."""

    def __init__(self, server: RedisServer) -> None:
        self.server = server
        self.time = Time()
        self.client = RedisClient(server.url)

    def counting(self) -> Counting:
        """One server of several."""
        limiter = DragonflyLimiter(
            self.client, self.time.clock, SECRET, ProcessLimiter(self.time.nanoseconds), monotonic=self.time.monotonic
        )
        return Counting(limiter=limiter, pass_time=self.time.pass_)


@pytest.fixture
async def there(redis_server: RedisServer) -> AsyncIterator[World]:
    world = World(redis_server)
    yield world
    await world.client.close()


@pytest.fixture
def there_not(there: World) -> World:
    there.server.kill()
    return there


class TestInProcess(RateLimiterContract):
    @pytest.fixture
    def counting(self) -> Counting:
        time = Time()
        return Counting(limiter=ProcessLimiter(time.nanoseconds), pass_time=time.pass_)


class TestOwn(OwnLimiterContract):
    @pytest.fixture
    def limiter(self) -> ProcessLimiter:
        return ProcessLimiter(Time().nanoseconds)


class TestDragonfly(RateLimiterContract):
    @pytest.fixture
    def counting(self, there: World) -> Counting:
        return there.counting()


class TestDragonflyAway(RateLimiterContract):
    """Falling back is no weaker, and no less exact, for each server."""

    @pytest.fixture
    def counting(self, there_not: World) -> Counting:
        return there_not.counting()


class InTurn(RateLimiter):
    """What stands before two servers."""

    def __init__(self, there: World) -> None:
        self._servers = cycle([there.counting().limiter, there.counting().limiter])

    @override
    async def take(self, key: str, quota: Quota) -> Verdict:
        return await next(self._servers).take(key, quota)


class TestDragonflyShared(RateLimiterContract):
    """Requests that go to two servers in turn are counted as those that go to one."""

    @pytest.fixture
    def counting(self, there: World) -> Counting:
        return Counting(limiter=InTurn(there), pass_time=there.time.pass_)


async def test_keys_of_strangers_make_no_exhausted_key_forgotten() -> None:
    time = Time()
    counting = Counting(limiter=ProcessLimiter(time.nanoseconds, capacity=100), pass_time=time.pass_)
    assert await counting.allowed(6, "known") == 5
    for number in range(5000):
        await counting.take(1, f"stranger {number}")
    assert await counting.allowed(3, "known") == 0


async def test_memory_is_bounded_whatever_keys_strangers_choose() -> None:
    time = Time()
    limiter = ProcessLimiter(time.nanoseconds, capacity=100)
    for number in range(20_000):
        await limiter.take(f"stranger {number}", QUOTA)
        if number % 100 == 0:
            await time.pass_(1)
    (table,) = limiter._tables.values()
    assert len(table._young) + len(table._old) <= 100 + SHARED_PLACES


async def test_quotas_that_nobody_uses_any_more_are_forgotten_and_others_keep_their_counts() -> None:
    """Each API key may have a quota of its own, and another one every minute."""
    time = Time()
    limiter = ProcessLimiter(time.nanoseconds)
    for number in range(10 * TABLES):
        await limiter.take("a key", per_minute(number + 10))
        await time.pass_(7)
        assert len(limiter._tables) <= 2 * TABLES
    counting = Counting(limiter=limiter, pass_time=time.pass_)
    assert await counting.allowed(6, "known") == 5
    for number in range(10 * TABLES):
        await limiter.take("a key", per_minute(number + 10_000))
    assert await counting.allowed(6, "known") == 0


async def test_who_is_too_many_to_be_known_is_still_counted() -> None:
    time = Time()
    counting = Counting(limiter=ProcessLimiter(time.nanoseconds, capacity=10), pass_time=time.pass_)
    for number in range(10):
        await counting.take(1, f"known {number}")
    assert await counting.allowed(6, "one more") == 5
    await time.pass_(25)
    assert await counting.allowed(6, "one more") == 5


async def test_one_network_that_fills_every_place_keeps_hardly_anybody_else_out() -> None:
    time = Time()
    limiter = ProcessLimiter(time.nanoseconds, capacity=100)
    for number in range(20_000):
        await limiter.take(f"login:{address_key(f'2001:db8:0:{number:x}::1')}", QUOTA)
    newcomers = [f"login:198.51.{high}.7" for high in range(100)]
    newcomers += [f"login:{address_key(f'2001:db8:{high:x}::1')}" for high in range(1, 101)]
    let_in = [(await limiter.take(key, QUOTA)).allowed for key in newcomers]
    assert let_in.count(True) >= 190


async def test_places_are_free_again_when_nobody_asked_for_a_while() -> None:
    time = Time()
    limiter = ProcessLimiter(time.nanoseconds, capacity=10)
    for number in range(20):
        await limiter.take(str(number), QUOTA)
    await time.pass_(21)
    await limiter.take("new", QUOTA)
    (table,) = limiter._tables.values()
    assert "new" in table._young


@given(
    st.lists(st.floats(0, 4), min_size=1, max_size=60),
    st.integers(1, 7),
)
def test_no_window_ever_holds_more_than_two_bursts_and_no_plan_beats_the_bucket(
    pauses: list[float], burst: int
) -> None:
    """The model: a bucket of `burst` tokens that fills evenly."""
    quota = Quota(burst=burst, window=timedelta(seconds=7))

    async def run() -> None:
        time, tokens = Time(), float(burst)
        limiter = ProcessLimiter(time.nanoseconds)
        for pause in pauses:
            await time.pass_(pause)
            tokens = min(burst, tokens + pause * burst / 7)
            verdict = await limiter.take("a", quota)
            if abs(tokens - 1) > 1e-3:
                assert verdict.allowed == (tokens >= 1)
            tokens -= verdict.allowed

    asyncio.run(run())


async def test_counting_takes_microseconds() -> None:
    limiter = ProcessLimiter()
    keys = [f"key {number}" for number in range(1000)]
    began = time.process_time()
    for _ in range(20):
        for key in keys:
            await limiter.take(key, QUOTA)
    assert (time.process_time() - began) / 20_000 < 50e-6


async def test_several_servers_together_let_through_one_burst(there: World) -> None:
    servers = [there.counting() for _ in range(4)]
    verdicts = await asyncio.gather(*(one.limiter.take("a", QUOTA) for one in servers * 10))
    assert sum(verdict.allowed for verdict in verdicts) == 5
    await there.time.pass_(STEP + 0.01)
    assert sum([await one.allowed(3) for one in servers]) == 1


async def test_what_one_server_let_through_another_refuses(there: World) -> None:
    one, other = there.counting(), there.counting()
    assert await one.allowed(5) == 5
    (refused,) = await other.take(1)
    assert not refused.allowed
    assert abs(refused.retry_after - STEP) <= 0.1


async def test_a_key_does_not_outlive_what_it_counts(there: World) -> None:
    quota = Quota(burst=2, window=timedelta(milliseconds=200))
    await there.counting().take(4, quota=quota)
    await asyncio.sleep(0.3)
    assert there.server.say("DBSIZE") == b":0\r\n"


async def test_the_cache_does_not_learn_whom_it_counts(there: World) -> None:
    await there.counting().take(1, "login:192.0.2.9")
    assert b"192.0.2.9" not in there.server.say("KEYS", "*")


async def test_servers_of_another_installation_count_for_themselves(there: World) -> None:
    theirs = DragonflyLimiter(
        there.client, there.time.clock, Secret("the secret of somebody else, also long enough"), ProcessLimiter()
    )
    assert await there.counting().allowed(5) == 5
    assert (await theirs.take("a", QUOTA)).allowed


async def test_a_cache_that_was_emptied_gives_nobody_of_this_server_another_burst(there: World) -> None:
    counting = there.counting()
    assert await counting.allowed(5) == 5
    there.server.flush()
    assert await counting.allowed(5) == 0


@pytest.mark.parametrize(
    "garbage", [("SET", "nonsense"), ("SET", "9" * 18), ("SET", "-5"), ("SET", "0"), ("RPUSH", "nonsense")]
)
async def test_nonsense_in_the_cache_is_put_right(there: World, garbage: tuple[str, str]) -> None:
    counting, other = there.counting(), there.counting()
    await counting.take(1)
    (name,) = [line for line in there.server.say("KEYS", "*").split(b"\r\n") if line.startswith(b"revenge:")]
    there.server.say("DEL", name)
    there.server.say(garbage[0], name, garbage[1])
    assert await counting.allowed(6) == 4
    assert await counting.allowed(6) == 0
    assert await other.allowed(6) <= 5
    assert not there.server.say("PTTL", name).startswith(b":-")


@pytest.mark.parametrize(
    "answer",
    [
        b"+OK\r\n:abc\r\n",
        b"+OK\r\n$3\r\nabc\r\n",
        b"+OK\r\n$-1\r\n",
        b"*0\r\n*1\r\n:1\r\n",
        b"\x00\xff\r\n" * 9,
        b"*1\r\n" * 9000,
    ],
)
async def test_a_server_that_answers_nonsense_is_no_reason_to_fail(answer: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4096):
            writer.write(answer)
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        client = RedisClient(Secret(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
        limiter = DragonflyLimiter(client, ManualClock(), SECRET, ProcessLimiter(), monotonic=cycle((0, 60)).__next__)
        assert [(await limiter.take("a", QUOTA)).allowed for _ in range(7)].count(True) == 5
        await client.close()


@pytest.mark.asvs("16.5.2")
async def test_a_server_that_says_nothing_is_waited_for_once(there: World, monkeypatch: pytest.MonkeyPatch) -> None:
    counting = there.counting()
    await counting.take(1)
    asked: list[str] = []
    really = DragonflyLimiter._shared

    async def noted(self: DragonflyLimiter, name: str, quota: Quota) -> Verdict | None:
        asked.append(name)
        return await really(self, name, quota)

    monkeypatch.setattr(DragonflyLimiter, "_shared", noted)
    there.server.freeze()
    assert await counting.allowed(10) == 4
    assert len(asked) == 1
    there.server.thaw()


async def test_a_cache_that_comes_back_counts_again(there: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "revenge.limits")
    one, other = there.counting(), there.counting()
    there.server.kill()
    assert await one.allowed(1) == 1
    assert await one.allowed(1) == 1
    there.server.start()
    await there.time.pass_(15)
    assert await one.allowed(5) == 5
    assert await other.allowed(5) == 0
    assert [record.message.partition(" (")[0] for record in caplog.records] == [
        "the cache does not count requests",
        "the cache counts requests again",
    ]


def test_keys_have_no_quota_for_all_of_them() -> None:
    with pytest.raises(LookupError):
        LimitRules().quota(Tier.KEY)
