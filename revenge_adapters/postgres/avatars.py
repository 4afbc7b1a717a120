"""Pictures of accounts in PostgreSQL: one row for each user who ever had one, which keeps counting."""

from collections.abc import Collection

import msgspec
from typing_extensions import override

from revenge_adapters.postgres.db import Transaction
from revenge_adapters.postgres.sql import Query, SqlFile
from revenge_core.ids import UserId
from revenge_core.users.entities import Avatar
from revenge_core.users.ports import AvatarStore


class Sql(SqlFile, file="avatars.sql"):
    """The statements of pictures. A row goes over the line as JSON: it is a whole picture, or only a count."""

    latest_version: Query[int]
    present: Query[str]
    put: Query[None]
    remove: Query[None]
    in_use: Query[str]


class PostgresAvatars(AvatarStore):
    """Pictures inside a transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @override
    async def latest_version(self, user_id: UserId) -> int:
        return await self._transaction.one(Sql.latest_version, user_id=user_id) or 0

    @override
    async def put(self, avatar: Avatar) -> Avatar | None:
        before = await self._present(avatar.user_id)
        await self._transaction.run(Sql.put, avatar=msgspec.json.encode(avatar).decode())
        return before

    @override
    async def remove(self, user_id: UserId) -> Avatar | None:
        before = await self._present(user_id)
        if before is not None:
            await self._transaction.run(Sql.remove, user_id=user_id)
        return before

    @override
    async def in_use(self, keys: Collection[str]) -> frozenset[str]:
        return frozenset(await self._transaction.all(Sql.in_use, keys=list(keys)))

    async def _present(self, user_id: UserId) -> Avatar | None:
        row = await self._transaction.one(Sql.present, user_id=user_id)
        return None if row is None else msgspec.json.decode(row, type=Avatar)
