"""What counting requests promises."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import pytest

from revenge_core.limits.entities import Quota, Verdict
from revenge_core.limits.ports import OwnLimiter, RateLimiter
from revenge_core.testing.contracts.world import Contract

QUOTA: Final = Quota(burst=5, window=timedelta(seconds=10))
STEP: Final = 2.0
"""Seconds until one more request of it is let through."""


@dataclass(frozen=True, kw_only=True)
class Counting:
    """A limiter, and time that passes when it is told to."""

    limiter: RateLimiter
    pass_time: Callable[[float], Awaitable[None]]

    async def take(self, times: int, key: str = "a", quota: Quota = QUOTA) -> list[Verdict]:
        """So many requests, one after the other."""
        return [await self.limiter.take(key, quota) for _ in range(times)]

    async def allowed(self, times: int, key: str = "a", quota: Quota = QUOTA) -> int:
        """How many of so many requests are let through."""
        return sum(verdict.allowed for verdict in await self.take(times, key, quota))


class RateLimiterContract(Contract):
    """A subclass says what `counting` is."""

    @pytest.fixture
    def counting(self) -> Counting:
        raise NotImplementedError

    async def test_a_burst_is_let_through_and_no_more(self, counting: Counting) -> None:
        assert [verdict.allowed for verdict in await counting.take(7)] == [True] * 5 + [False] * 2

    async def test_a_verdict_says_what_is_left(self, counting: Counting) -> None:
        assert [verdict.remaining for verdict in await counting.take(6)] == [4, 3, 2, 1, 0, 0]

    async def test_a_verdict_says_when_the_whole_burst_is_there_again(self, counting: Counting) -> None:
        first, second = await counting.take(2)
        assert abs(first.reset_after - STEP) <= 0.2
        assert abs(second.reset_after - (2 * STEP)) <= 0.2

    async def test_whoever_is_refused_is_told_when_to_come_again_and_is_let_through_then(
        self, counting: Counting
    ) -> None:
        refused = (await counting.take(6))[-1]
        assert abs(refused.retry_after - STEP) <= 0.2
        await counting.pass_time(refused.retry_after + 0.01)
        assert await counting.allowed(1) == 1

    async def test_whoever_is_let_through_need_not_wait(self, counting: Counting) -> None:
        assert (await counting.take(1))[0].retry_after == 0

    async def test_requests_are_regained_evenly(self, counting: Counting) -> None:
        await counting.take(5)
        for _ in range(3):
            await counting.pass_time(STEP + 0.01)
            assert await counting.allowed(2) == 1

    async def test_after_a_whole_window_there_is_a_burst_again_and_no_more(self, counting: Counting) -> None:
        await counting.take(5)
        await counting.pass_time(25)
        assert await counting.allowed(8) == 5

    async def test_refused_requests_count_for_nothing(self, counting: Counting) -> None:
        await counting.take(25)
        await counting.pass_time(STEP + 0.01)
        assert await counting.allowed(1) == 1

    async def test_keys_are_counted_apart(self, counting: Counting) -> None:
        await counting.take(6, "a")
        assert await counting.allowed(6, "b") == 5

    async def test_requests_at_the_same_time_get_no_more_than_the_burst(self, counting: Counting) -> None:
        verdicts = await asyncio.gather(*(counting.limiter.take("a", QUOTA) for _ in range(30)))
        assert sum(verdict.allowed for verdict in verdicts) == 5

    @pytest.mark.parametrize("key", ["", "login:2001:db8::/64", "x" * 1000, "ключ\n\x00"])
    async def test_any_text_is_a_key(self, counting: Counting, key: str) -> None:
        assert await counting.allowed(6, key) == 5

    async def test_a_burst_of_one_is_one_request_in_each_window(self, counting: Counting) -> None:
        quota = Quota(burst=1, window=timedelta(seconds=3))
        assert await counting.allowed(2, quota=quota) == 1
        await counting.pass_time(1.5)
        assert await counting.allowed(1, quota=quota) == 0
        await counting.pass_time(1.6)
        assert await counting.allowed(1, quota=quota) == 1

    async def test_in_the_long_run_nobody_gets_more_than_the_burst_in_each_window(self, counting: Counting) -> None:
        got = 0
        for _ in range(100):
            got += await counting.allowed(2)
            await counting.pass_time(0.5)
        assert abs(got - (5 + 50 / STEP)) <= 1


class OwnLimiterContract(Contract):
    """A subclass says what `limiter` is; what it counts in the long run, `RateLimiterContract` says."""

    @pytest.fixture
    def limiter(self) -> OwnLimiter:
        raise NotImplementedError

    def test_a_burst_is_let_through_at_once_and_no_more(self, limiter: OwnLimiter) -> None:
        verdicts = [limiter.count("a", QUOTA) for _ in range(7)]
        assert [verdict.allowed for verdict in verdicts] == [True] * 5 + [False] * 2
        assert [verdict.remaining for verdict in verdicts] == [4, 3, 2, 1, 0, 0, 0]

    def test_keys_and_quotas_count_apart(self, limiter: OwnLimiter) -> None:
        other = Quota(burst=1, window=timedelta(seconds=10))
        for key in ("a", "b"):
            assert sum(limiter.count(key, QUOTA).allowed for _ in range(9)) == 5
            assert sum(limiter.count(key, other).allowed for _ in range(9)) == 1
