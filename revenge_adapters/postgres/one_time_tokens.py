"""One-time tokens in PostgreSQL."""

from datetime import datetime

from msgspec.structs import asdict
from typing_extensions import override

from revenge_adapters.postgres.db import Transaction
from revenge_adapters.postgres.sql import Query, SqlFile
from revenge_core.ids import UserId
from revenge_core.users.entities import OneTimeToken, Purpose
from revenge_core.users.ports import OneTimeTokenStore


class Sql(SqlFile, file="one_time_tokens.sql"):
    """The statements of one-time tokens."""

    put: Query[None]
    find: Query[OneTimeToken]
    of_user: Query[OneTimeToken]
    consume: Query[OneTimeToken]
    void: Query[None]
    forget_expired: Query[None]


class PostgresOneTimeTokens(OneTimeTokenStore):
    """One-time tokens inside a transaction. Of each purpose a user has one row, so there is never more than one."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @override
    async def put(self, token: OneTimeToken) -> None:
        await self._transaction.run(Sql.put, **asdict(token))

    @override
    async def find(self, token_hash: bytes, purpose: Purpose, at: datetime) -> OneTimeToken | None:
        return await self._transaction.one(Sql.find, token_hash=token_hash, purpose=purpose, at=at)

    @override
    async def of_user(self, user_id: UserId, purpose: Purpose) -> OneTimeToken | None:
        return await self._transaction.one(Sql.of_user, user_id=user_id, purpose=purpose)

    @override
    async def consume(self, token_hash: bytes, purpose: Purpose, at: datetime) -> OneTimeToken | None:
        return await self._transaction.one(Sql.consume, token_hash=token_hash, purpose=purpose, at=at)

    @override
    async def void(self, user_id: UserId, *purposes: Purpose) -> None:
        await self._transaction.run(Sql.void, user_id=user_id, purposes=[purpose.value for purpose in purposes])

    @override
    async def forget_expired(self, *, by: datetime, limit: int) -> int:
        return await self._transaction.run(Sql.forget_expired, by=by, limit=limit)
