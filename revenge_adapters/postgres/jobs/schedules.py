"""Schedules in PostgreSQL, and the jobs that they enqueue."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec

from revenge_adapters.postgres.db import Database, Transaction
from revenge_adapters.postgres.jobs.rows import bytea_text
from revenge_adapters.postgres.sql import Query, SqlFile
from revenge_core.background import Missed, Planned, Schedule
from revenge_core.entity import Entity
from revenge_core.jobs.policy import DECLARED_FOR, due, next_tick, prepared
from revenge_core.secrets import Sealer


class DueSchedule(Entity, kw_only=True):
    """A schedule of which a tick has come."""

    name: str
    every: float
    offset: float
    missed: Missed
    next_run_at: datetime
    now: datetime


class TickJob(Entity, kw_only=True):
    """The job of a tick."""

    id: int
    queue: str


class Sql(SqlFile, file="schedules.sql"):
    """The statements of schedules."""

    present: Query[datetime]
    declare: Query[None]
    is_due: Query[bool]
    lock_due: Query[DueSchedule]
    add_tick: Query[TickJob]
    advance: Query[None]


async def declare(database: Database, schedules: Sequence[Schedule], sealer: Sealer) -> None:
    """Make the schedules known, in one statement.

    Raises:
        JobRefused: a schedule's job breaks a rule.
    """
    now = await database.one(Sql.present)
    if now is not None and schedules:
        rows = msgspec.json.encode([_row(schedule, now, sealer) for schedule in schedules])
        await database.run(Sql.declare, schedules=rows.decode())


def _row(schedule: Schedule, now: datetime, sealer: Sealer) -> dict[str, Any]:
    context = f"job {schedule.job.spec.kind}"
    job = prepared(Planned(job=schedule.job), now=now, seal=partial(sealer.seal, context=context))
    tick = next_tick(schedule.every, schedule.offset, now)
    return {
        "name": schedule.name,
        "kind": job.kind,
        "queue": job.queue,
        "priority": job.priority,
        "max_attempts": job.max_attempts,
        "timeout": job.timeout,
        "args": msgspec.Raw(job.args),
        "unique_key": bytea_text(job.unique_key),
        "unique_states": job.unique_states if job.unique_key else None,
        "every": schedule.every.total_seconds(),
        "offset": schedule.offset.total_seconds(),
        "missed": schedule.missed,
        "next_run_at": now if schedule.at_start else tick,
        "next_tick_at": tick,
    }


async def tick(database: Database) -> list[TickJob]:
    """Enqueue what is due; the new jobs. It costs one small statement while nothing is."""
    added: list[TickJob] = []
    if await database.one(Sql.is_due, declared_for=DECLARED_FOR):
        async with database.transaction() as transaction:
            for schedule in await transaction.all(Sql.lock_due, declared_for=DECLARED_FOR):
                added += await _tick(transaction, schedule)
    return added


async def _tick(transaction: Transaction, schedule: DueSchedule) -> list[TickJob]:
    now = due(
        timedelta(seconds=schedule.every),
        timedelta(seconds=schedule.offset),
        schedule.missed,
        next_run_at=schedule.next_run_at,
        now=schedule.now,
    )
    jobs = [await transaction.one(Sql.add_tick, name=schedule.name, tick=at.isoformat()) for at in now.ticks]
    added = [job for job in jobs if job is not None]
    await transaction.run(
        Sql.advance,
        name=schedule.name,
        next_run_at=now.next_run_at,
        ran_at=schedule.now if added else None,
        job_id=added[-1].id if added else None,
    )
    return added
