"""What a worker does with jobs in PostgreSQL."""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from typing_extensions import override

from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.jobs.endings import end_runs
from revenge_adapters.postgres.jobs.literals import int_array, text_array
from revenge_adapters.postgres.sql import Query, Replanned, SqlFile
from revenge_core.background import ItemOutcome, JobState, Progress
from revenge_core.entity import Entity
from revenge_core.errors import DatabaseUnavailable
from revenge_core.jobs.entities import ANSWERED_WITHIN, Claimed, Finish, JobKey, WorkerInfo
from revenge_core.jobs.ports import JobStore, WakeUps


class Handed(Entity, kw_only=True):
    """A job that was handed out, with JSON that is not read yet."""

    id: int
    run: int
    kind: str
    queue: str
    priority: int
    attempt: int
    max_attempts: int
    timeout: float | None
    created_at: datetime
    scheduled_at: datetime
    attempted_at: datetime
    args: str
    metadata: str
    progress: str | None

    def read(self) -> Claimed:
        """All of it, the payload aside.

        Raises:
            ValueError, RecursionError: another program wrote what this one cannot read.
        """
        return Claimed(
            id=self.id,
            run=self.run,
            kind=self.kind,
            queue=self.queue,
            priority=self.priority,
            attempt=self.attempt,
            max_attempts=self.max_attempts,
            timeout=self.timeout,
            args=msgspec.Raw(self.args.encode()),
            metadata=_METADATA.decode(self.metadata),
            progress=None if self.progress is None else _PROGRESS.decode(self.progress),
            created_at=self.created_at,
            scheduled_at=self.scheduled_at,
            attempted_at=self.attempted_at,
        )


LOCKED_PAUSES_SECONDS: Final = (0.0, 0.01, 0.05, 0.25)
"""Before each try to store the ends of jobs that somebody else has locked; as a rule that is over in a moment."""

_HANDED: Final = msgspec.json.Decoder(tuple[Handed, ...])
_METADATA: Final = msgspec.json.Decoder(dict[str, Any])
_PROGRESS: Final = msgspec.json.Decoder(Progress)
_log = logging.getLogger("revenge.jobs")


class Sql(SqlFile, file="store.sql"):
    """The statements of workers."""

    enlist: Query[None]
    beat: Query[None]
    leave: Query[None]
    claim: Replanned[str]
    held: Replanned[JobKey]
    report: Replanned[int]
    cancel_requests: Replanned[JobKey]


class PostgresJobStore(JobStore):
    """Jobs as one worker process sees them. Each method is one statement, or one transaction, of its own."""

    def __init__(self, database: Database, wake_ups: WakeUps) -> None:
        self._database = database
        self._wake_ups = wake_ups

    @override
    async def enlist(self, worker: WorkerInfo) -> None:
        await self._database.run(
            Sql.enlist,
            id=worker.id,
            host=worker.host,
            pid=worker.pid,
            version=worker.version,
            queues=_json(worker.queues),
        )

    @override
    async def beat(self, worker_id: str) -> bool:
        return await self._database.run(Sql.beat, id=worker_id) == 1

    @override
    async def leave(self, worker_id: str) -> int:
        count = await self._give_back(worker_id, known=(), patience=timedelta(0))
        await self._database.run(Sql.leave, id=worker_id)
        return count

    @override
    async def claim(
        self, worker_id: str, slots: Mapping[str, int], *, kinds: Collection[str] | None = None
    ) -> tuple[Claimed, ...]:
        handed = await self._database.one(
            Sql.claim,
            worker_id=worker_id,
            queues=text_array(slots.keys()),
            limits=int_array(slots.values()),
            kinds=None if kinds is None else text_array(kinds),
        )
        claimed: list[Claimed] = []
        unreadable: list[Finish] = []
        for job in _HANDED.decode(handed or "[]"):
            try:
                claimed.append(job.read())
            except (ValueError, RecursionError) as error:
                key, told = JobKey(id=job.id, run=job.run), f"job_unreadable: {error}"
                unreadable.append(Finish(key=key, state=JobState.DISCARDED, error=told))
        if unreadable:
            _log.error("%d jobs were discarded: their metadata or progress cannot be read", len(unreadable))
            await self.finish(unreadable)
        return tuple(claimed)

    @override
    async def give_back_unknown(self, worker_id: str, known: Collection[JobKey]) -> int:
        return await self._give_back(worker_id, known=known, patience=ANSWERED_WITHIN)

    async def _give_back(self, worker_id: str, *, known: Collection[JobKey], patience: timedelta) -> int:
        async with self._database.transaction() as transaction:
            held = await transaction.all(Sql.held, worker_id=worker_id, known=_json(list(known)), patience=patience)
            given_back = [Finish(key=key, state=JobState.AVAILABLE, refund=True) for key in held]
            ended = await end_runs(transaction, given_back)
        self._wake_ups.send(ended.signals)
        return len(ended.keys)

    @override
    async def finish(self, finishes: Sequence[Finish]) -> frozenset[JobKey]:
        counted, left = frozenset[JobKey](), finishes
        for pause in LOCKED_PAUSES_SECONDS:
            await asyncio.sleep(pause)
            ended = await end_runs(self._database, left)
            self._wake_ups.send(ended.signals)
            counted |= ended.keys
            locked = ended.left
            if not locked:
                return counted
            left = [finish for finish in left if finish.key in locked]
        raise DatabaseUnavailable(f"somebody has {len(left)} of the jobs locked; the other ends are stored")

    @override
    async def report(self, key: JobKey, progress: Progress, items: Sequence[ItemOutcome]) -> bool:
        latest = {outcome.item: outcome for outcome in items}
        reported = await self._database.one(
            Sql.report, id=key.id, run=key.run, progress=_json(progress), items=_json(list(latest.values()))
        )
        return reported is not None

    @override
    async def cancel_requests(self, worker_id: str) -> tuple[JobKey, ...]:
        return await self._database.all(Sql.cancel_requests, worker_id=worker_id)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
