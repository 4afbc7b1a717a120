"""Readiness says when background work is not done (decisions P7)."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from revenge_adapters.memory.clock import ManualClock
from revenge_adapters.memory.jobs.reader import MemoryJobReader
from revenge_adapters.memory.tables import MemoryTables
from revenge_adapters.probe_jobs import OVERDUE, JobsProbe
from revenge_core.errors import DatabaseUnavailable
from revenge_core.health.entities import Status
from revenge_core.jobs.entities import QueueInfo


class Reader(MemoryJobReader):
    """Tells of queues what the test says."""

    def __init__(self) -> None:
        super().__init__(MemoryTables())
        self.told: Sequence[QueueInfo] | None = ()

    async def queues(self) -> tuple[QueueInfo, ...]:
        if self.told is None:
            raise DatabaseUnavailable
        return tuple(self.told)


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def queue(
    clock: ManualClock, name: str, *, waits: timedelta | None, workers: int = 3, paused: bool = False
) -> QueueInfo:
    now = clock.now()
    return QueueInfo(
        name=name,
        paused_at=now if paused else None,
        workers=workers,
        counts={},
        oldest_available_at=None if waits is None else now - waits,
    )


async def test_a_queue_that_waits_for_a_while_is_well(reader: Reader, clock: ManualClock) -> None:
    reader.told = [queue(clock, "high", waits=OVERDUE - timedelta(seconds=1)), queue(clock, "low", waits=None)]
    check = await JobsProbe(reader, clock).check()
    assert check.status is Status.HEALTHY
    assert check.details == {"high.oldest_seconds": 299}


async def test_a_queue_that_waits_too_long_is_degraded_and_named(reader: Reader, clock: ManualClock) -> None:
    reader.told = [queue(clock, "high", waits=OVERDUE * 2), queue(clock, "low", waits=timedelta(0))]
    check = await JobsProbe(reader, clock).check()
    assert (check.status, check.message) == (Status.DEGRADED, "work waits in high")


async def test_a_queue_that_nobody_serves_is_told_apart(reader: Reader, clock: ManualClock) -> None:
    reader.told = [queue(clock, "bulk", waits=OVERDUE * 2, workers=0), queue(clock, "high", waits=OVERDUE * 2)]
    check = await JobsProbe(reader, clock).check()
    assert (check.status, check.message) == (Status.DEGRADED, "no worker serves bulk")


async def test_a_paused_queue_waits_because_somebody_wanted_it_to(reader: Reader, clock: ManualClock) -> None:
    reader.told = [queue(clock, "bulk", waits=OVERDUE * 2, paused=True)]
    assert (await JobsProbe(reader, clock).check()).status is Status.HEALTHY


async def test_a_queue_that_cannot_be_looked_at_is_degraded_and_never_an_exception(
    reader: Reader, clock: ManualClock
) -> None:
    reader.told = None
    assert (await JobsProbe(reader, clock).check()).status is Status.DEGRADED
