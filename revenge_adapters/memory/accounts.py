"""Bootstrap tokens and invitations in memory."""

from datetime import datetime

from msgspec.structs import replace
from typing_extensions import override

from revenge_adapters.memory.tables import MemoryTables, Rows
from revenge_core.accounts.entities import BootstrapToken, Invitation
from revenge_core.accounts.ports import BootstrapTokenStore, InvitationReader, InvitationStore
from revenge_core.ids import InvitationId, UserId
from revenge_core.rbac.errors import RoleUnknown


class MemoryBootstrapTokens(BootstrapTokenStore):
    """Bootstrap tokens inside a transaction."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    @override
    async def replace(self, token: BootstrapToken) -> None:
        self._rows.bootstrap_tokens.clear()
        self._rows.bootstrap_tokens[token.token_hash] = token

    @override
    async def is_open(self, token_hash: bytes, at: datetime) -> bool:
        token = self._rows.bootstrap_tokens.get(token_hash)
        return token is not None and at < token.expires_at

    @override
    async def consume(self, token_hash: bytes, at: datetime) -> bool:
        if not await self.is_open(token_hash, at):
            return False
        self._rows.bootstrap_tokens.clear()
        return True

    @override
    async def void_all(self) -> None:
        self._rows.bootstrap_tokens.clear()

    @override
    async def forget_expired(self, at: datetime) -> int:
        tokens = self._rows.bootstrap_tokens
        expired = [token.token_hash for token in tokens.values() if token.expires_at <= at]
        for token_hash in expired:
            del tokens[token_hash]
        return len(expired)


class MemoryInvitations(InvitationStore):
    """Invitations inside a transaction."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    @override
    async def add(self, invitation: Invitation) -> None:
        if invitation.role not in self._rows.roles:
            raise RoleUnknown
        self._rows.invitations[invitation.id] = invitation

    @override
    async def peek(self, token_hash: bytes, at: datetime) -> Invitation | None:
        for invitation in self._rows.invitations.values():
            if invitation.token_hash == token_hash:
                open_ = invitation.used < invitation.uses and invitation.revoked_at is None
                return invitation if open_ and at < invitation.expires_at else None
        return None

    @override
    async def consume(self, token_hash: bytes, at: datetime) -> Invitation | None:
        invitation = await self.peek(token_hash, at)
        if invitation is not None:
            invitation = replace(invitation, used=invitation.used + 1)
            self._rows.invitations[invitation.id] = invitation
        return invitation

    @override
    async def revoke(self, invitation_id: InvitationId, at: datetime) -> Invitation | None:
        invitation = self._rows.invitations.get(invitation_id)
        if invitation is None or invitation.revoked_at is not None:
            return None
        revoked = self._rows.invitations[invitation_id] = replace(invitation, revoked_at=at)
        return revoked

    @override
    async def revoke_all_of(self, user_id: UserId, at: datetime) -> int:
        theirs = [one.id for one in self._rows.invitations.values() if one.created_by == user_id]
        return sum([await self.revoke(invitation_id, at) is not None for invitation_id in theirs])

    @override
    async def forget(self, *, before: datetime, limit: int) -> int:
        old = [
            invitation.id
            for invitation in self._rows.invitations.values()
            if min(invitation.expires_at, invitation.revoked_at or invitation.expires_at) < before
        ]
        for invitation_id in old[:limit]:
            del self._rows.invitations[invitation_id]
        return len(old[:limit])


class MemoryInvitationReader(InvitationReader):
    """Invitations outside a transaction."""

    def __init__(self, tables: MemoryTables) -> None:
        self._tables = tables

    @override
    async def all(self, *, limit: int, offset: int) -> tuple[tuple[Invitation, ...], int]:
        newest = sorted(self._tables.rows.invitations.values(), key=lambda one: (one.created_at, one.id), reverse=True)
        return tuple(newest[offset : offset + limit]), len(newest)

    @override
    async def by_id(self, invitation_id: InvitationId) -> Invitation | None:
        return self._tables.rows.invitations.get(invitation_id)
