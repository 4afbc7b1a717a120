"""How runs end, whoever ends them: a worker, one that gives them back, or upkeep for a lost one."""

from collections.abc import Generator, Sequence
from typing import Final

import msgspec

from revenge_adapters.postgres.db import Database, Transaction
from revenge_adapters.postgres.jobs.literals import int_array
from revenge_adapters.postgres.sql import Replanned, SqlFile
from revenge_core.background import JobState
from revenge_core.entity import Entity
from revenge_core.jobs.entities import Finish, JobKey, Signal, SignalKind
from revenge_core.jobs.policy import LONGEST_DELAY, storable

_KEYS: Final = msgspec.json.Decoder(frozenset[JobKey])


class Endings(Entity, kw_only=True):
    """What became of some runs."""

    counted: str
    """Those that were the job's present ones, as JSON."""
    available: list[str]
    """Queues of the jobs that are to run again at once."""
    scheduled: bool
    """Whether some are to run again later."""
    locked: str
    """Those that somebody else has locked: nothing of them was stored."""

    @property
    def left(self) -> frozenset[JobKey]:
        """What is locked."""
        return _KEYS.decode(self.locked)

    @property
    def keys(self) -> frozenset[JobKey]:
        """The runs that counted."""
        return _KEYS.decode(self.counted)

    @property
    def signals(self) -> Generator[Signal]:
        """What workers are to be told."""
        yield from (Signal(kind=SignalKind.AVAILABLE, key=queue) for queue in self.available)
        if self.scheduled:
            yield Signal(kind=SignalKind.SCHEDULED)


NOTHING: Final = Endings(counted="[]", available=[], scheduled=False, locked="[]")


class Sql(SqlFile, file="endings.sql"):
    """The statements of ending."""

    complete: Replanned[Endings]
    finish: Replanned[Endings]


class _Ending(Entity, kw_only=True, omit_defaults=True):
    """What the statement reads."""

    id: int
    run: int
    state: JobState
    delay: float = 0.0
    refund: bool = False
    error: str | None = None
    trace: str | None = None


async def end_runs(database: Database | Transaction, finishes: Sequence[Finish]) -> Endings:
    """Store how runs ended: none of them, or all of which nobody else has locked the job.

    Raises:
        DatabaseUnavailable: none was stored.
    """
    if not finishes:
        return NOTHING
    if all(map(_is_plain, finishes)):
        ids = int_array(finish.key.id for finish in finishes)
        runs = int_array(finish.key.run for finish in finishes)
        ended = await database.one(Sql.complete, ids=ids, runs=runs, count=len(finishes))
    else:
        endings = msgspec.json.encode([_ending(finish) for finish in finishes])
        ended = await database.one(Sql.finish, endings=endings.decode(), count=len(finishes))
    return ended or NOTHING


def _is_plain(finish: Finish) -> bool:
    """Whether the job is done and there is nothing to say about it, as with most."""
    return finish.state is JobState.COMPLETED and finish.error is None and not finish.refund


def _ending(finish: Finish) -> _Ending:
    return _Ending(
        id=finish.key.id,
        run=finish.key.run,
        state=finish.state,
        # A time that the database cannot write down would hold up all that end with it.
        delay=min(finish.delay, LONGEST_DELAY).total_seconds(),
        refund=finish.refund,
        error=finish.error and storable(finish.error),
        trace=finish.trace and storable(finish.trace),
    )
