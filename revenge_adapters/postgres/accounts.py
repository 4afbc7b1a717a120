"""What getting and leaving accounts keeps in PostgreSQL."""

from datetime import datetime

from msgspec.structs import asdict
from typing_extensions import override

from revenge_adapters.postgres.db import Transaction
from revenge_adapters.postgres.sql import Query, SqlFile
from revenge_core.accounts.entities import BootstrapToken
from revenge_core.accounts.ports import BootstrapTokenStore


class Sql(SqlFile, file="accounts.sql"):
    """The statements."""

    replace_bootstrap_token: Query[None]
    is_bootstrap_token_open: Query[bool]
    consume_bootstrap_token: Query[None]
    void_bootstrap_tokens: Query[None]
    forget_expired_bootstrap_tokens: Query[None]


class PostgresBootstrapTokens(BootstrapTokenStore):
    """The bootstrap token: there is one row for it, so there is never more than one."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @override
    async def replace(self, token: BootstrapToken) -> None:
        await self._transaction.run(Sql.replace_bootstrap_token, **asdict(token))

    @override
    async def is_open(self, token_hash: bytes, at: datetime) -> bool:
        return bool(await self._transaction.one(Sql.is_bootstrap_token_open, token_hash=token_hash, at=at))

    @override
    async def consume(self, token_hash: bytes, at: datetime) -> bool:
        return await self._transaction.run(Sql.consume_bootstrap_token, token_hash=token_hash, at=at) == 1

    @override
    async def void_all(self) -> None:
        await self._transaction.run(Sql.void_bootstrap_tokens)

    @override
    async def forget_expired(self, at: datetime) -> int:
        return await self._transaction.run(Sql.forget_expired_bootstrap_tokens, at=at)
