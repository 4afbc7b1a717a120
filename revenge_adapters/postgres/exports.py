"""Exports in PostgreSQL, and what they are made of."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final, Protocol, TypeVar
from uuid import UUID

import msgspec
from msgspec.structs import asdict
from typing_extensions import override

from revenge_adapters.postgres import groups, preferences, users
from revenge_adapters.postgres.batch import uuid_array
from revenge_adapters.postgres.db import Database, Transaction
from revenge_adapters.postgres.sql import Query, SqlFile
from revenge_core.accounts.entities import Export, Invitation, Person
from revenge_core.accounts.ports import ExportReader, ExportStore, PersonalData
from revenge_core.apikeys.entities import ApiKey
from revenge_core.ids import ExportId, UserId
from revenge_core.rbac.entities import RoleGrant
from revenge_core.sessions.entities import Device, Session
from revenge_core.users.entities import Avatar

PART: Final = 500
"""So many rows are read at a time."""
_BEFORE_ALL: Final = UUID(int=0)


class _Row(Protocol):
    @property
    def id(self) -> UUID: ...


R = TypeVar("R", bound=_Row)


class Sql(SqlFile, file="exports.sql"):
    """The statements of exports."""

    put: Query[None]
    of_user: Query[Export]
    lock: Query[Export]
    due: Query[Export]
    grants: Query[RoleGrant]
    avatar: Query[str]
    sessions: Query[Session]
    devices: Query[Device]
    api_keys: Query[ApiKey]
    invitations: Query[Invitation]


class PostgresExports(ExportStore):
    """Exports inside a transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @override
    async def put(self, export: Export) -> None:
        await self._transaction.run(Sql.put, **asdict(export))

    @override
    async def of_user(self, user_id: UserId) -> Export | None:
        return await self._transaction.one(Sql.of_user, user_id=user_id)

    @override
    async def lock(self, export_id: ExportId) -> Export | None:
        return await self._transaction.one(Sql.lock, id=export_id)

    @override
    async def due(self, *, by: datetime, limit: int) -> tuple[Export, ...]:
        return await self._transaction.all(Sql.due, by=by, limit=limit)


class PostgresExportReader(ExportReader):
    """Exports outside a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def of_user(self, user_id: UserId) -> Export | None:
        return await self._database.one(Sql.of_user, user_id=user_id)


class PostgresPersonalData(PersonalData):
    """All that is kept of one user. Each part is as it is when it is read: an export takes a while."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def person(self, user_id: UserId) -> Person | None:
        user = await self._database.one(users.Sql.by_ids, ids=uuid_array([user_id]))
        if user is None:
            return None
        said = await self._database.one(preferences.Sql.of_user, user_id=user_id)
        avatar = await self._database.one(Sql.avatar, user_id=user_id)
        return Person(
            user=user,
            roles=await self._database.all(Sql.grants, user_id=user_id),
            groups=await self._database.all(groups.Sql.of_user, user_id=user_id),
            preferences=preferences.decoded(user_id, said),
            avatar=None if avatar is None else msgspec.json.decode(avatar, type=Avatar),
        )

    @override
    def sessions(self, user_id: UserId) -> AsyncIterator[Session]:
        return self._in_parts(Sql.sessions, user_id)

    @override
    def devices(self, user_id: UserId) -> AsyncIterator[Device]:
        return self._in_parts(Sql.devices, user_id)

    @override
    def api_keys(self, user_id: UserId) -> AsyncIterator[ApiKey]:
        return self._in_parts(Sql.api_keys, user_id)

    @override
    def invitations(self, user_id: UserId) -> AsyncIterator[Invitation]:
        return self._in_parts(Sql.invitations, user_id)

    async def _in_parts(self, query: Query[R], user_id: UserId) -> AsyncIterator[R]:
        after = _BEFORE_ALL
        while part := await self._database.all(query, user_id=user_id, after=after, limit=PART):
            for row in part:
                yield row
            after = part[-1].id
