"""Accounts in memory."""

from datetime import datetime

from msgspec.structs import replace
from typing_extensions import override

from revenge_adapters.memory.tables import MemoryTables, Rows
from revenge_core.ids import UserId
from revenge_core.users.entities import User
from revenge_core.users.errors import EmailTaken, UsernameTaken
from revenge_core.users.ports import UserReader, UserStore


def living_user(rows: Rows, user_id: UserId) -> User | None:
    """The account, unless it was deleted."""
    user = rows.users.get(user_id)
    return None if user is None or user.deleted_at is not None else user


class MemoryUsers(UserStore):
    """Accounts inside a transaction."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    @override
    async def add(self, user: User) -> None:
        self._refuse_taken_names(user)
        self._rows.users[user.id] = user

    @override
    async def lock(self, user_id: UserId) -> User | None:
        return living_user(self._rows, user_id)

    @override
    async def update(self, user: User) -> None:
        if user.id in self._rows.users:
            self._refuse_taken_names(user)
            self._rows.users[user.id] = user

    @override
    async def mark_login(self, user_id: UserId, at: datetime) -> None:
        user = self._rows.users.get(user_id)
        if user is not None:
            self._rows.users[user_id] = replace(user, last_login_at=at)

    def _refuse_taken_names(self, user: User) -> None:
        others = [other for other in self._rows.users.values() if other.id != user.id]
        if any(other.username_key == user.username_key for other in others):
            raise UsernameTaken
        if any(other.email_key == user.email_key for other in others):
            raise EmailTaken


class MemoryUserReader(UserReader):
    """Accounts outside a transaction."""

    def __init__(self, tables: MemoryTables) -> None:
        self._tables = tables

    @override
    async def by_id(self, user_id: UserId) -> User | None:
        return living_user(self._tables.rows, user_id)
