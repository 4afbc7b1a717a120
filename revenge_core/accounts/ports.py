"""What getting, administering and leaving accounts needs from outside."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Protocol

from revenge_core.accounts.entities import BootstrapToken, Export, Invitation, Person
from revenge_core.apikeys.entities import ApiKey
from revenge_core.apikeys.ports import ApiKeysTx
from revenge_core.auth.ports import AuthTx
from revenge_core.ids import ExportId, InvitationId, UserId
from revenge_core.sessions.entities import Device, Session


class BootstrapTokenStore(Protocol):
    """Bootstrap tokens inside a transaction, reached as `tx.bootstrap_tokens`."""

    async def replace(self, token: BootstrapToken) -> None:
        """Keep `token` and void every other."""
        ...

    async def is_open(self, token_hash: bytes, at: datetime) -> bool:
        """Whether the token could be used at this time; it decides nothing, `consume` does."""
        ...

    async def consume(self, token_hash: bytes, at: datetime) -> bool:
        """Use the token, if it is there and not expired; of many callers one gets True; all tokens are void then."""
        ...

    async def void_all(self) -> None:
        """No token is good any more."""
        ...

    async def forget_expired(self, at: datetime) -> int:
        """Delete tokens that are too old to be used at this time; how many."""
        ...


class InvitationStore(Protocol):
    """Invitations inside a transaction, reached as `tx.invitations`."""

    async def add(self, invitation: Invitation) -> None:
        """Keep a new invitation.

        Raises:
            RoleUnknown: there is no such role; it may have been deleted a moment ago.
        """
        ...

    async def peek(self, token_hash: bytes, at: datetime) -> Invitation | None:
        """The invitation, if it could be used at this time; it decides nothing, `consume` does."""
        ...

    async def consume(self, token_hash: bytes, at: datetime) -> Invitation | None:
        """Use it once more, if it is neither used up, revoked nor expired; None otherwise, for as many as come late."""
        ...

    async def revoke(self, invitation_id: InvitationId, at: datetime) -> Invitation | None:
        """It is good for nothing any more. None if there is none, or it was revoked before."""
        ...

    async def revoke_all_of(self, user_id: UserId, at: datetime) -> int:
        """Those that the user made are good for nothing any more; how many were not revoked before."""
        ...

    async def forget(self, *, before: datetime, limit: int) -> int:
        """Delete up to `limit` invitations that expired or were revoked before this time; how many."""
        ...


class InvitationReader(Protocol):
    """Invitations outside a transaction."""

    async def all(self, *, limit: int, offset: int) -> tuple[tuple[Invitation, ...], int]:
        """Invitations, the newest first (by created_at, then id, both descending), and how many there are in all."""
        ...

    async def by_id(self, invitation_id: InvitationId) -> Invitation | None:
        """The invitation, good for something or not."""
        ...


class ExportStore(Protocol):
    """Exports inside a transaction, reached as `tx.exports`."""

    async def put(self, export: Export) -> None:
        """Keep the user's export, in place of the one before. The caller holds the user's lock, or the export's."""
        ...

    async def of_user(self, user_id: UserId) -> Export | None:
        """The user's latest export; the caller holds the user's lock."""
        ...

    async def lock(self, export_id: ExportId) -> Export | None:
        """The export, which nobody else changes until this transaction ends."""
        ...

    async def due(self, *, by: datetime, limit: int) -> tuple[Export, ...]:
        """Up to `limit` exports with a file that expired at `by` or before, the longest due first."""
        ...


class ExportReader(Protocol):
    """Exports outside a transaction."""

    async def of_user(self, user_id: UserId) -> Export | None:
        """The user's latest export."""
        ...


class PersonalData(Protocol):
    """All that is kept of one user, past every cache. What belongs to somebody else is not in it."""

    async def person(self, user_id: UserId) -> Person | None:
        """Who they are; None where there is no such living account."""
        ...

    def sessions(self, user_id: UserId) -> AsyncIterator[Session]:
        """Every session that is still kept, ended ones included, by id. Read in parts, never all in memory."""
        ...

    def devices(self, user_id: UserId) -> AsyncIterator[Device]:
        """Every device, by id; read in parts."""
        ...

    def api_keys(self, user_id: UserId) -> AsyncIterator[ApiKey]:
        """Every API key that is still kept, those that are over included, by id; read in parts."""
        ...

    def invitations(self, user_id: UserId) -> AsyncIterator[Invitation]:
        """Every invitation that they made, by id; read in parts."""
        ...


class AccountsTx(AuthTx, ApiKeysTx, Protocol):
    """What getting, administering and leaving accounts does in one transaction."""

    @property
    def bootstrap_tokens(self) -> BootstrapTokenStore:
        """Bootstrap tokens."""
        ...

    @property
    def invitations(self) -> InvitationStore:
        """Invitations."""
        ...

    @property
    def exports(self) -> ExportStore:
        """Exports."""
        ...
