"""Preferences in PostgreSQL: one row for each user who ever said something."""

import msgspec
from typing_extensions import override

from revenge_adapters.postgres.db import Database, Transaction
from revenge_adapters.postgres.sql import Query, SqlFile
from revenge_core.ids import UserId
from revenge_core.users.entities import Preferences
from revenge_core.users.ports import PreferenceReader, PreferenceStore


class Sql(SqlFile, file="preferences.sql"):
    """The statements of preferences. A row goes over the line as JSON, since three of its columns are JSON anyway."""

    lock_user: Query[UserId]
    of_user: Query[str]
    put: Query[None]


class PostgresPreferences(PreferenceStore):
    """Preferences inside a transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @override
    async def lock(self, user_id: UserId) -> Preferences:
        await self._transaction.one(Sql.lock_user, user_id=user_id)
        return decoded(user_id, await self._transaction.one(Sql.of_user, user_id=user_id))

    @override
    async def put(self, preferences: Preferences) -> None:
        await self._transaction.run(Sql.put, preferences=msgspec.json.encode(preferences).decode())


class PostgresPreferenceReader(PreferenceReader):
    """Preferences outside a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def of_user(self, user_id: UserId) -> Preferences:
        return decoded(user_id, await self._database.one(Sql.of_user, user_id=user_id))


def decoded(user_id: UserId, row: str | None) -> Preferences:
    """The preferences in a row of `of_user`; the defaults where there is none."""
    return Preferences(user_id=user_id) if row is None else msgspec.json.decode(row, type=Preferences)
