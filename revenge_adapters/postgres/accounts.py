"""What getting and leaving accounts keeps in PostgreSQL."""

from datetime import datetime

from msgspec.structs import asdict
from typing_extensions import override

from revenge_adapters.postgres.db import Database, Transaction
from revenge_adapters.postgres.sql import Query, SqlFile
from revenge_core.accounts.entities import BootstrapToken, Invitation
from revenge_core.accounts.ports import BootstrapTokenStore, InvitationReader, InvitationStore
from revenge_core.ids import InvitationId, UserId


class Sql(SqlFile, file="accounts.sql"):
    """The statements."""

    replace_bootstrap_token: Query[None]
    is_bootstrap_token_open: Query[bool]
    consume_bootstrap_token: Query[None]
    void_bootstrap_tokens: Query[None]
    forget_expired_bootstrap_tokens: Query[None]
    add_invitation: Query[None]
    peek_invitation: Query[Invitation]
    consume_invitation: Query[Invitation]
    revoke_invitation: Query[Invitation]
    revoke_invitations_of: Query[None]
    forget_invitations: Query[None]
    all_invitations: Query[Invitation]
    count_invitations: Query[int]
    invitation_by_id: Query[Invitation]


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


class PostgresInvitations(InvitationStore):
    """Invitations inside a transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @override
    async def add(self, invitation: Invitation) -> None:
        values = asdict(invitation) | {"libraries": list(invitation.libraries)}
        await self._transaction.run(Sql.add_invitation, **values)

    @override
    async def peek(self, token_hash: bytes, at: datetime) -> Invitation | None:
        return await self._transaction.one(Sql.peek_invitation, token_hash=token_hash, at=at)

    @override
    async def consume(self, token_hash: bytes, at: datetime) -> Invitation | None:
        return await self._transaction.one(Sql.consume_invitation, token_hash=token_hash, at=at)

    @override
    async def revoke(self, invitation_id: InvitationId, at: datetime) -> Invitation | None:
        return await self._transaction.one(Sql.revoke_invitation, id=invitation_id, at=at)

    @override
    async def revoke_all_of(self, user_id: UserId, at: datetime) -> int:
        return await self._transaction.run(Sql.revoke_invitations_of, user_id=user_id, at=at)

    @override
    async def forget(self, *, before: datetime, limit: int) -> int:
        return await self._transaction.run(Sql.forget_invitations, before=before, limit=limit)


class PostgresInvitationReader(InvitationReader):
    """Invitations outside a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def all(self, *, limit: int, offset: int) -> tuple[tuple[Invitation, ...], int]:
        invitations = await self._database.all(Sql.all_invitations, limit=limit, offset=offset)
        return invitations, await self._database.one(Sql.count_invitations) or 0

    @override
    async def by_id(self, invitation_id: InvitationId) -> Invitation | None:
        return await self._database.one(Sql.invitation_by_id, id=invitation_id)
