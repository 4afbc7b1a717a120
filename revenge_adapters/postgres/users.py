"""Accounts in PostgreSQL."""

from collections.abc import Collection
from datetime import datetime

from msgspec.structs import asdict
from typing_extensions import override

from revenge_adapters.postgres.batch import Batch, uuid_array
from revenge_adapters.postgres.db import Database, Transaction
from revenge_adapters.postgres.sql import Query, SqlFile
from revenge_core.ids import UserId
from revenge_core.users.entities import User
from revenge_core.users.errors import EmailTaken, UsernameTaken
from revenge_core.users.ports import UserReader, UserStore


class Sql(SqlFile, file="users.sql"):
    """The statements of accounts."""

    add: Query[UserId]
    is_username_taken: Query[bool]
    lock: Query[User]
    update: Query[None]
    mark_login: Query[None]
    by_ids: Query[User]


class PostgresUsers(UserStore):
    """Accounts inside a transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @override
    async def add(self, user: User) -> None:
        # Asked about afterwards, since which constraint PostgreSQL names first changes with a restored backup.
        if await self._transaction.one(Sql.add, **asdict(user)) is None:
            if await self._transaction.one(Sql.is_username_taken, username_key=user.username_key):
                raise UsernameTaken
            raise EmailTaken

    @override
    async def lock(self, user_id: UserId) -> User | None:
        return await self._transaction.one(Sql.lock, id=user_id)

    @override
    async def update(self, user: User) -> None:
        await self._transaction.run(Sql.update, **asdict(user))

    @override
    async def mark_login(self, user_id: UserId, at: datetime) -> None:
        await self._transaction.run(Sql.mark_login, id=user_id, at=at)


class PostgresUserReader(UserReader):
    """Accounts outside a transaction, always asked for."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._batch = Batch[UserId, User](self._by_ids, lambda user: user.id)

    @override
    async def by_id(self, user_id: UserId) -> User | None:
        return await self._batch.one(user_id)

    async def _by_ids(self, ids: Collection[UserId]) -> tuple[User, ...]:
        return await self._database.all(Sql.by_ids, ids=uuid_array(ids))
