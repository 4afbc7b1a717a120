"""The desk where accounts are administered: of this machine's Revenge, or of one behind a URL (rulings R35)."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from revenge_cli.access_desk import AccessDesk
from revenge_cli.account_records import Count, Invite, People, Person, SignIn
from revenge_core.accounts.entities import AccountChanges, NewAccount, NewInvitation
from revenge_core.secrets import Secret
from revenge_core.users.entities import UserFilter


class Desk(Protocol):
    """What administrators do. Every method raises what the use case of the same name raises."""

    @property
    def access(self) -> AccessDesk:
        """Where roles, groups and keys are administered."""
        ...

    async def myself(self) -> Person | None:
        """Who acts; None for this machine's shell, which may do everything (rulings R24)."""
        ...

    async def people(self, wanted: UserFilter, *, limit: int, offset: int) -> People:
        """Accounts that fit, the newest first."""
        ...

    async def find(self, name: str) -> Person:
        """The account, living or deleted, with this id, user name or address."""
        ...

    async def create(self, new: NewAccount) -> tuple[Person, Secret | None]:
        """Make an account; the link to choose a password comes back where no mail brings it."""
        ...

    async def change(self, user_id: UUID, changes: AccountChanges) -> Person:
        """Change an account."""
        ...

    async def disable(self, user_id: UUID) -> None:
        """Keep somebody out."""
        ...

    async def enable(self, user_id: UUID) -> None:
        """Let somebody in again."""
        ...

    async def delete(self, user_id: UUID) -> None:
        """Delete an account, for a grace period."""
        ...

    async def restore(self, user_id: UUID) -> Person:
        """Bring a deleted account back."""
        ...

    async def send_reset(self, user_id: UUID) -> None:
        """Mail a link to set a new password."""
        ...

    async def sessions_of(self, user_id: UUID) -> Sequence[SignIn]:
        """Where somebody is signed in."""
        ...

    async def revoke_session(self, session_id: UUID) -> None:
        """End one session."""
        ...

    async def revoke_sessions(self, user_id: UUID) -> int:
        """End all sessions of an account; how many."""
        ...

    async def invite(self, new: NewInvitation) -> Invite:
        """Make an invitation."""
        ...

    async def invitations(self, *, limit: int, offset: int) -> tuple[Sequence[Invite], int]:
        """Invitations, the newest first, and how many there are in all."""
        ...

    async def invitation(self, invitation_id: UUID) -> Invite:
        """One invitation."""
        ...

    async def revoke_invitation(self, invitation_id: UUID) -> None:
        """It lets nobody in any more."""
        ...

    async def counts(self) -> Sequence[Count]:
        """What is used up of allowances for guesses."""
        ...

    async def clear(self, subject: str) -> None:
        """Forget what was counted against the id of an account, or an address."""
        ...
