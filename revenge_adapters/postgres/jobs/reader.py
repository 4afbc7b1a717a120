"""Jobs, queues, schedules and workers in PostgreSQL, as administrators see them."""

from typing import Any, Final, TypeVar

import msgspec
from msgspec.structs import replace
from typing_extensions import override

from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.sql import Query, Replanned, SqlFile
from revenge_core.background import JobState, Progress, Queue
from revenge_core.entity import Entity
from revenge_core.jobs.entities import (
    COUNTED_UPTO,
    Failure,
    JobDetail,
    JobFilter,
    JobItem,
    JobSummary,
    QueueInfo,
    ScheduleInfo,
    WorkerInfo,
)
from revenge_core.jobs.ports import JobReader

T = TypeVar("T")

_RECORDS: Final = msgspec.json.Decoder(list[dict[str, Any]])
_RECORD: Final = msgspec.json.Decoder(dict[str, Any])
_PROGRESS: Final = msgspec.json.Decoder(Progress)
_METADATA: Final = msgspec.json.Decoder(dict[str, Any])
_FAILURE: Final = msgspec.json.Decoder(Failure)
_QUEUES: Final = msgspec.json.Decoder(tuple[QueueInfo, ...])
_WORKERS: Final = msgspec.json.Decoder(tuple[WorkerInfo, ...])


class CountedJobs(Entity, kw_only=True):
    """How many jobs of one queue are in one state."""

    queue: str
    state: JobState
    count: int


class Sql(SqlFile, file="reader.sql"):
    """The statements of the reading end."""

    newest: Replanned[str]
    count: Replanned[int]
    by_id: Query[str]
    args: Query[str]
    items: Query[JobItem]
    counts: Replanned[CountedJobs]
    queues: Replanned[str]
    workers: Replanned[str]
    schedules: Query[ScheduleInfo]


class PostgresJobReader(JobReader):
    """The reading end."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def newest(self, wanted: JobFilter, *, limit: int, before: int | None) -> tuple[JobSummary, ...]:
        found = await self._database.one(Sql.newest, **_conditions(wanted), limit=limit, before=before)
        return msgspec.convert([_read(job) for job in _RECORDS.decode(found or "[]")], tuple[JobSummary, ...])

    @override
    async def count(self, wanted: JobFilter) -> int:
        return await self._database.one(Sql.count, **_conditions(wanted), limit=COUNTED_UPTO) or 0

    @override
    async def by_id(self, job_id: int, *, args: bool) -> JobDetail | None:
        found = await self._database.one(Sql.by_id, id=job_id)
        job = None if found is None else _detail(_RECORD.decode(found))
        if job is None or not args:
            return job
        told = await self._database.one(Sql.args, id=job_id)
        return None if told is None else replace(job, args=msgspec.Raw(told))

    @override
    async def items(self, job_id: int, *, limit: int, after: str | None) -> tuple[JobItem, ...]:
        return await self._database.all(Sql.items, job_id=job_id, limit=limit, after=after)

    @override
    async def counts(self) -> dict[str, dict[JobState, int]]:
        counts: dict[str, dict[JobState, int]] = {}
        for one in await self._database.all(Sql.counts, limit=COUNTED_UPTO):
            counts.setdefault(one.queue, {})[one.state] = one.count
        return counts

    @override
    async def queues(self) -> tuple[QueueInfo, ...]:
        return _QUEUES.decode(await self._database.one(Sql.queues, names=[queue.value for queue in Queue]) or "[]")

    @override
    async def workers(self) -> tuple[WorkerInfo, ...]:
        return _WORKERS.decode(await self._database.one(Sql.workers) or "[]")

    @override
    async def schedules(self) -> tuple[ScheduleInfo, ...]:
        return await self._database.all(Sql.schedules)


def _read(job: dict[str, Any]) -> dict[str, Any]:
    """The record, without progress that no program of ours wrote."""
    return job | {"progress": _readable(_PROGRESS, job["progress"])}


def _detail(job: dict[str, Any]) -> JobDetail:
    """The same for all that there is to a job."""
    errors = [_readable(_FAILURE, error) for error in job["errors"]]
    job |= {"errors": [error for error in errors if error], "metadata": _readable(_METADATA, job["metadata"]) or {}}
    return msgspec.convert(_read(job), JobDetail)


def _readable(decoder: msgspec.json.Decoder[T], text: str | None) -> T | None:
    try:
        return None if text is None else decoder.decode(text)
    except (ValueError, RecursionError):
        return None


def _conditions(wanted: JobFilter) -> dict[str, object]:
    """Each condition of the filter; None where it asks for nothing."""
    return {
        "states": [state.value for state in wanted.states] or None,
        "kinds": list(wanted.kinds) or None,
        "queues": list(wanted.queues) or None,
        "priorities": list(wanted.priorities) or None,
        "tags": list(wanted.tags) or None,
        "ids": list(wanted.ids) or None,
        "created_after": wanted.created_after,
        "created_before": wanted.created_before,
        "cancel_requested": wanted.cancel_requested,
    }
