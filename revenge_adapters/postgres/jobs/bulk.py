"""Adding many jobs at once: as one JSON document, or copied in."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from revenge_adapters.postgres.db import Transaction
from revenge_adapters.postgres.jobs.literals import bytea_array
from revenge_adapters.postgres.jobs.rows import NewJob, copy_lines, json_rows, new_jobs, portions
from revenge_adapters.postgres.sql import Query, SqlFile
from revenge_core.entity import Entity
from revenge_core.jobs.policy import Prepared

COPY_FROM: Final = 1000
"""So many jobs at once are copied in. That is three times faster, and cannot leave out what is there already."""


class Drawn(Entity, kw_only=True):
    """Ids for a batch, and when it is enqueued."""

    ids: list[int]
    now: datetime


class Standing(Entity, kw_only=True):
    """The job that keeps others with this key out."""

    id: int
    unique_key: bytes


class Sql(SqlFile, file="bulk.sql"):
    """The statements of adding many."""

    draw: Query[Drawn]
    add: Query[int]
    copy: Query[None]
    standing: Query[Standing]


async def add_all(transaction: Transaction, jobs: Sequence[Prepared]) -> list[tuple[NewJob, int]]:
    """Add jobs; each with the id that stands for it, its own unless it is unique and was there already."""
    drawn = await transaction.one(Sql.draw, count=len(jobs)) if jobs else None
    if drawn is None:
        return []
    new = new_jobs(jobs, drawn.ids, drawn.now)
    plain = [one for one in new if one.job.unique_key is None]
    # The first of those with the same key. By key, so that two batches with the same jobs in another order never wait
    # for each other.
    unique = sorted({one.job.unique_key: one for one in reversed(new) if one.job.unique_key is not None}.items())

    for portion in portions(plain):
        if len(plain) >= COPY_FROM:
            await transaction.copy(Sql.copy, copy_lines(portion, drawn.now))
        else:
            await transaction.all(Sql.add, jobs=json_rows(portion), now=drawn.now)
    standing: dict[bytes, int] = {}
    for portion in portions(one for _, one in unique):
        standing.update(await _add_unique(transaction, portion, drawn.now))
    return [(one, standing.get(one.job.unique_key or b"", one.id)) for one in new]


async def _add_unique(transaction: Transaction, portion: Sequence[NewJob], now: datetime) -> dict[bytes, int]:
    standing: dict[bytes, int] = {}
    left = portion
    while left:
        added = set(await transaction.all(Sql.add, jobs=json_rows(left), now=now))
        standing.update((one.job.unique_key, one.id) for one in left if one.id in added if one.job.unique_key)
        standing.update(await standing_for(transaction, (one.job.unique_key for one in left if one.id not in added)))
        # What finished in between keeps nobody out any more: once again.
        left = [one for one in left if one.job.unique_key not in standing]
    return standing


async def standing_for(transaction: Transaction, keys: Iterable[bytes | None]) -> dict[bytes, int]:
    """The jobs that keep others with these keys out."""
    wanted = bytea_array(key for key in keys if key is not None)
    return {one.unique_key: one.id for one in await transaction.all(Sql.standing, unique_keys=wanted)}
