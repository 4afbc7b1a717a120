"""The audit log in PostgreSQL: partitioned by month, only ever added to (rulings R27, R28)."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import msgspec
from msgspec.structs import asdict
from typing_extensions import override

from revenge_adapters.postgres.db import Database, Transaction
from revenge_adapters.postgres.migrate import AHEAD
from revenge_adapters.postgres.sql import Query, SqlFile
from revenge_core.activity.entities import Entry
from revenge_core.activity.ports import ActivityLog, ActivityMonths, ActivityReader
from revenge_core.ids import EntryId, UserId

_END_OF_TIME: Final = datetime.max.replace(tzinfo=UTC)
_LAST_ID: Final = EntryId(UUID(int=2**128 - 1))


class Sql(SqlFile, file="activity.sql"):
    """The statements of the audit log."""

    add: Query[None]
    written_at: Query[datetime]
    newest: Query[Entry]
    newest_of_actor: Query[Entry]
    make_partitions: Query[int]


class PostgresActivityLog(ActivityLog):
    """The transaction's end of the log."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @override
    async def add(self, entry: Entry) -> None:
        changes = msgspec.json.encode(entry.changes).decode()
        self._transaction.later(Sql.add, **{**asdict(entry), "changes": changes})


class PostgresActivityMonths(ActivityMonths):
    """The log's partitions. Making one keeps everybody from the log until the transaction ends."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @override
    async def make_ahead(self, now: datetime) -> int:
        return await self._transaction.one(Sql.make_partitions, since=now, upto=now + AHEAD) or 0


class PostgresActivityReader(ActivityReader):
    """The reading end."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def newest(self, *, limit: int, before: EntryId | None, actor_id: UserId | None) -> tuple[Entry, ...]:
        edge, at = (_LAST_ID, _END_OF_TIME) if before is None else (before, await self._written_at(before))
        if at is None:
            return ()
        if actor_id is None:
            return await self._database.all(Sql.newest, before=edge, at=at, limit=limit)
        return await self._database.all(Sql.newest_of_actor, actor_id=actor_id, before=edge, at=at, limit=limit)

    async def _written_at(self, entry_id: EntryId) -> datetime | None:
        return await self._database.one(Sql.written_at, id=entry_id)


async def make_partitions(database: Database, now: datetime) -> int:
    """Make the partitions of this month and the two after it that are missing; how many. Every start calls it.

    Raises:
        DatabaseUnavailable: not all could be made; entries of months without one go to the default partition meanwhile.
    """
    return await database.one(Sql.make_partitions, since=now, upto=now + AHEAD) or 0
