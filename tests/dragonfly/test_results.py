"""Words of stream workers that cannot be stored now keep no others."""

from collections.abc import Sequence

import pytest
from typing_extensions import override

from revenge_adapters.dragonfly.client import RedisClient
from revenge_adapters.dragonfly.results import AT_ONCE, Results
from revenge_adapters.dragonfly.streams import FIELD, Done, Reported
from revenge_adapters.memory.jobs.store import MemoryJobStore
from revenge_adapters.memory.tables import MemoryTables
from revenge_core.background import ItemOutcome, JobState, Progress
from revenge_core.errors import DatabaseUnavailable
from revenge_core.jobs.entities import Finish, JobKey
from tests.dragonfly.outpost import KEYS, Outpost

LOCKED, FREE = JobKey(id=1, run=1), JobKey(id=2, run=1)


class Locking(MemoryJobStore):
    """Somebody has one of the jobs locked."""

    def __init__(self) -> None:
        super().__init__(MemoryTables())
        self.locked = {LOCKED}
        self.stored: list[tuple[str, int]] = []

    @override
    async def finish(self, finishes: Sequence[Finish]) -> frozenset[JobKey]:
        self._look({end.key for end in finishes})
        self.stored += [("end", end.key.id) for end in finishes]
        return frozenset(end.key for end in finishes)

    @override
    async def report(self, key: JobKey, progress: Progress, items: Sequence[ItemOutcome]) -> bool:
        self._look({key})
        self.stored.append(("report", key.id))
        return True

    def _look(self, keys: set[JobKey]) -> None:
        if keys & self.locked:
            raise DatabaseUnavailable("somebody has it locked")


async def say(outpost: Outpost, client: RedisClient, *said: Done) -> None:
    for done in said:
        await client.do("XADD", KEYS.done, "*", FIELD, outpost.envelopes.seal(KEYS.done, done))


def report(key: JobKey) -> Done:
    return Done(reports=(Reported(key=key, progress=Progress(), items=()),))


def end(key: JobKey) -> Done:
    return Done(finishes=(Finish(key=key, state=JobState.COMPLETED),))


async def test_while_a_job_is_locked_what_is_said_of_others_behind_it_is_stored(outpost: Outpost) -> None:
    store = Locking()
    async with outpost.client() as client:
        results = Results(client, store, outpost.envelopes)
        await say(outpost, client, *[report(LOCKED)] * AT_ONCE, end(LOCKED), report(FREE), end(FREE))
        with pytest.raises(DatabaseUnavailable):
            await results.collect()
        collected = await results.collect()
        assert collected is not None
        assert collected.ended == {FREE}
        assert store.stored == [("report", FREE.id), ("end", FREE.id)]
        store.stored.clear()
        store.locked.clear()
        while await results.collect():
            pass
        assert store.stored == [("report", LOCKED.id)] * AT_ONCE + [("end", LOCKED.id)]
        assert await client.do("XLEN", KEYS.done) == 0


async def test_an_end_does_not_overtake_progress_that_had_to_wait(outpost: Outpost) -> None:
    store = Locking()
    async with outpost.client() as client:
        results = Results(client, store, outpost.envelopes)
        await say(outpost, client, *[report(LOCKED)] * AT_ONCE, end(LOCKED))
        with pytest.raises(DatabaseUnavailable):
            await results.collect()
        store.locked.clear()
        await results.collect()
        assert store.stored == []
        while await results.collect():
            pass
        assert store.stored[-2:] == [("report", LOCKED.id), ("end", LOCKED.id)]
