"""Accounts in PostgreSQL."""

from collections.abc import Collection, Mapping
from datetime import datetime

from msgspec.structs import asdict
from typing_extensions import override

from revenge_adapters.postgres.batch import Batch, uuid_array
from revenge_adapters.postgres.db import Database, Transaction
from revenge_adapters.postgres.sql import Query, SqlFile
from revenge_core.errors import Invalid
from revenge_core.ids import UserId
from revenge_core.rbac.entities import ADMIN
from revenge_core.users.entities import Listed, User, UserFilter, UserPage
from revenge_core.users.errors import EmailTaken, UsernameTaken
from revenge_core.users.policy import name_key
from revenge_core.users.ports import UserDirectory, UserReader, UserStore


class Sql(SqlFile, file="users.sql"):
    """The statements of accounts."""

    add: Query[UserId]
    is_username_taken: Query[bool]
    id_of_email: Query[UserId]
    lock: Query[User]
    lock_any: Query[User]
    lock_listed: Query[Listed]
    update: Query[None]
    mark_login: Query[None]
    due_for_purge: Query[UserId]
    purge: Query[None]
    by_ids: Query[User]
    find: Query[Listed]
    count: Query[int]
    any_by_id: Query[Listed]
    id_of: Query[UserId]


class PostgresUsers(UserStore):
    """Accounts inside a transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @override
    async def add(self, user: User) -> None:
        # Asked about afterwards, since which constraint PostgreSQL names first changes with a restored backup.
        if await self._transaction.one(Sql.add, **_columns(user)) is None:
            if await self._transaction.one(Sql.is_username_taken, username_key=user.username_key):
                raise UsernameTaken
            raise EmailTaken

    @override
    async def lock(self, user_id: UserId) -> User | None:
        return await self._transaction.one(Sql.lock, id=user_id)

    @override
    async def id_of_email(self, email_key: str) -> UserId | None:
        return await self._transaction.one(Sql.id_of_email, email_key=email_key)

    @override
    async def lock_any(self, user_id: UserId) -> User | None:
        return await self._transaction.one(Sql.lock_any, id=user_id)

    @override
    async def lock_listed(self, user_id: UserId) -> Listed | None:
        return await self._transaction.one(Sql.lock_listed, id=user_id)

    @override
    async def update(self, user: User) -> None:
        await self._transaction.run(Sql.update, **_columns(user))

    @override
    async def mark_login(self, user_id: UserId, at: datetime) -> None:
        self._transaction.later(Sql.mark_login, id=user_id, at=at)

    @override
    async def due_for_purge(self, *, by: datetime, limit: int) -> tuple[UserId, ...]:
        return await self._transaction.all(Sql.due_for_purge, by=by, limit=limit)

    @override
    async def purge(self, user_id: UserId) -> bool:
        return await self._transaction.run(Sql.purge, id=user_id) == 1


def _columns(user: User) -> Mapping[str, object]:
    """The record, and the form in which its name for display is looked for."""
    return asdict(user) | {"display_name_key": None if user.display_name is None else name_key(user.display_name)}


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


class PostgresUserDirectory(UserDirectory):
    """All accounts, for those who look after them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def find(self, user_filter: UserFilter, *, limit: int, offset: int) -> UserPage:
        wanted = {
            "is_active": user_filter.is_active,
            "is_admin": user_filter.is_admin,
            "is_deleted": user_filter.is_deleted,
            "role": user_filter.role,
            "text": None if user_filter.query is None else name_key(user_filter.query),
            "admin": ADMIN,
        }
        try:
            users = await self._database.all(Sql.find, limit=limit, offset=offset, **wanted)
            return UserPage(users=users, total=await self._database.one(Sql.count, **wanted) or 0)
        except Invalid:  # text that cannot be stored is in nobody's name
            return UserPage(users=(), total=0)

    @override
    async def any_by_id(self, user_id: UserId) -> Listed | None:
        return await self._database.one(Sql.any_by_id, id=user_id)

    @override
    async def id_of(self, name: str) -> UserId | None:
        try:
            return await self._database.one(Sql.id_of, key=name_key(name))
        except Invalid:
            return None
