from collections.abc import AsyncIterator

import pytest

from revenge_adapters.memory.clock import ManualClock
from revenge_adapters.memory.ids import CountingIds
from revenge_adapters.postgres.feed import ChangeFollower
from revenge_adapters.postgres.recycled import RecycledDatabase
from revenge_adapters.system import SystemClock, Uuid7Ids
from revenge_core.clock import Clock
from revenge_core.ids import Ids
from revenge_core.testing.contracts.kernel import ClockContract, IdsContract


class TestManualClock(ClockContract):
    @pytest.fixture
    def clock(self) -> Clock:
        return ManualClock()


class TestCountingIds(IdsContract):
    @pytest.fixture
    def ids(self) -> Ids:
        return CountingIds()


class TestChangeFollower(ClockContract):
    @pytest.fixture
    async def clock(self, revenge_postgres: RecycledDatabase) -> AsyncIterator[Clock]:
        follower = ChangeFollower(revenge_postgres.url)
        await follower.start()
        yield follower
        await follower.close()


class TestSystemClock(ClockContract):
    @pytest.fixture
    def clock(self) -> Clock:
        return SystemClock()


class TestUuid7Ids(IdsContract):
    @pytest.fixture
    def ids(self) -> Ids:
        return Uuid7Ids()
