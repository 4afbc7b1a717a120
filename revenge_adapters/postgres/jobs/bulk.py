"""Adding many jobs at once: as one JSON document, or copied in."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

from revenge_adapters.postgres.db import Transaction
from revenge_adapters.postgres.jobs.literals import bytea_array
from revenge_adapters.postgres.jobs.rows import NewJob, copy_blocks, json_rows, new_jobs, portions
from revenge_adapters.postgres.sql import Query, Replanned, SqlFile
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
    standing: Replanned[Standing]


async def add_all(transaction: Transaction, jobs: Sequence[Prepared]) -> list[tuple[NewJob, int]]:
    """Add jobs; each with the id that stands for it, its own unless it is unique and was there already."""
    drawn = await transaction.one(Sql.draw, count=len(jobs)) if jobs else None
    if drawn is None:
        return []
    new = new_jobs(jobs, drawn.ids, drawn.now)
    plain = [one for one in new if one.job.unique_key is None]
    for portion in portions(plain):
        if len(plain) >= COPY_FROM:
            await transaction.copy(Sql.copy, copy_blocks(portion, drawn.now))
        else:
            await transaction.all(Sql.add, jobs=json_rows(portion), now=drawn.now)
    # The first of those with the same key. By key, so that two batches with the same jobs in another order never wait
    # for each other.
    first = {one.job.unique_key: one for one in reversed(new) if one.job.unique_key is not None}
    standing: dict[bytes, int] = {}
    for portion in portions(one for _, one in sorted(first.items())):
        standing |= await _add_unique(transaction, portion, drawn.now)
    return [(one, standing.get(one.job.unique_key or b"", one.id)) for one in new]


async def _add_unique(transaction: Transaction, portion: list[NewJob], now: datetime) -> dict[bytes, int]:
    """Add what is not there already; which job now stands for each key.

    Where one finished in between that kept another out, all begin anew: to add that one after those behind it would be
    out of order, and two who do so wait for each other.
    """
    keys = {one.id: one.job.unique_key for one in portion if one.job.unique_key is not None}
    while True:
        with suppress(_Gone):
            async with transaction.savepoint():
                added = await transaction.all(Sql.add, jobs=json_rows(portion), now=now)
                standing = {keys[number]: number for number in added}
                if len(standing) < len(keys):
                    standing |= await standing_for(transaction, keys.values() - standing.keys())
                if len(standing) < len(keys):
                    raise _Gone
                return standing


class _Gone(Exception):  # noqa: N818 -- it never gets out
    """What kept a job out keeps nobody out any more."""


async def standing_for(transaction: Transaction, keys: Iterable[bytes]) -> dict[bytes, int]:
    """The jobs that keep others with these keys out."""
    found = await transaction.all(Sql.standing, unique_keys=bytea_array(keys))
    return {one.unique_key: one.id for one in found}
