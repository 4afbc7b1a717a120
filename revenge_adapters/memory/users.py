"""Accounts in memory."""

from dataclasses import fields
from datetime import datetime

from msgspec.structs import replace
from typing_extensions import override

from revenge_adapters.memory.held_roles import role_names
from revenge_adapters.memory.tables import MemoryTables, Rows
from revenge_core.ids import UserId
from revenge_core.rbac.entities import ADMIN
from revenge_core.users.entities import Listed, User, UserFilter, UserPage
from revenge_core.users.errors import EmailTaken, UsernameTaken
from revenge_core.users.policy import name_key
from revenge_core.users.ports import UserDirectory, UserReader, UserStore


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
    async def id_of_email(self, email_key: str) -> UserId | None:
        return next((user.id for user in self._rows.users.values() if user.email_key == email_key), None)

    @override
    async def lock_any(self, user_id: UserId) -> User | None:
        return self._rows.users.get(user_id)

    @override
    async def lock_listed(self, user_id: UserId) -> Listed | None:
        user = self._rows.users.get(user_id)
        return None if user is None else Listed(user=user, roles=role_names(self._rows, user_id))

    @override
    async def mark_login(self, user_id: UserId, at: datetime) -> None:
        user = self._rows.users.get(user_id)
        if user is not None:
            self._rows.users[user_id] = replace(user, last_login_at=at)

    @override
    async def due_for_purge(self, *, by: datetime, limit: int) -> tuple[UserId, ...]:
        due = sorted(
            (user.purge_at, user.id)
            for user in self._rows.users.values()
            if user.purge_at is not None and user.purge_at <= by
        )
        return tuple(user_id for _, user_id in due[:limit])

    @override
    async def purge(self, user_id: UserId) -> bool:
        user = self._rows.users.get(user_id)
        if user is None or user.deleted_at is None:
            return False
        del self._rows.users[user_id]
        _erase_all_of(self._rows, user_id)
        return True

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


class MemoryUserDirectory(UserDirectory):
    """All accounts, for those who look after them."""

    def __init__(self, tables: MemoryTables) -> None:
        self._tables = tables

    @override
    async def find(self, user_filter: UserFilter, *, limit: int, offset: int) -> UserPage:
        listed = [self._listed(user) for user in self._tables.rows.users.values()]
        found = [one for one in listed if _fits(one, user_filter)]
        found.sort(key=lambda one: (one.user.created_at, one.user.id), reverse=True)
        return UserPage(users=tuple(found[offset : offset + limit]), total=len(found))

    @override
    async def any_by_id(self, user_id: UserId) -> Listed | None:
        user = self._tables.rows.users.get(user_id)
        return None if user is None else self._listed(user)

    @override
    async def id_of(self, name: str) -> UserId | None:
        key, users = name_key(name), self._tables.rows.users.values()
        by_name = (user.id for user in users if user.username_key == key)
        by_address = (user.id for user in users if user.email_key == key)
        return next(by_name, None) or next(by_address, None)

    def _listed(self, user: User) -> Listed:
        return Listed(user=user, roles=role_names(self._tables.rows, user.id))


def _fits(one: Listed, wanted: UserFilter) -> bool:
    user = one.user
    texts = (user.username_key, user.email_key, name_key(user.display_name or ""))
    return (
        (user.deleted_at is not None) == wanted.is_deleted
        and wanted.is_active in {None, user.is_active}
        and wanted.is_admin in {None, ADMIN in one.roles}
        and (wanted.role is None or wanted.role in one.roles)
        and (wanted.query is None or any(name_key(wanted.query) in text for text in texts))
    )


def _erase_all_of(rows: Rows, user_id: UserId) -> None:
    """What foreign keys do in a database: rows that belong to the user go, those that only name them stay."""
    tables = (table for table in fields(rows) if table.name != "activity_months")
    for table in tables:
        records: dict[object, object] = getattr(rows, table.name)
        theirs = [key for key in records if getattr(records[key], "user_id", None) == user_id]
        for key in theirs:
            del records[key]
    rows.avatar_versions.pop(user_id, None)
    _erase_orphans(rows)
    for key, grant in rows.grants.items():
        if grant.granted_by == user_id:
            rows.grants[key] = replace(grant, granted_by=None)
    for member, membership in rows.members.items():
        if membership.added_by == user_id:
            rows.members[member] = replace(membership, added_by=None)
    for key, invitation in rows.invitations.items():
        if invitation.created_by == user_id:
            rows.invitations[key] = replace(invitation, created_by=None)


def _erase_orphans(rows: Rows) -> None:
    """Rows of what went with its user."""
    for token_hash in [key for key, token in rows.refresh_tokens.items() if token.session_id not in rows.sessions]:
        del rows.refresh_tokens[token_hash]
    for use in [use for use in rows.api_key_uses if use[0] not in rows.api_keys]:
        del rows.api_key_uses[use]
