"""The desk of this machine's Revenge: every act is the host's (rulings R24)."""

from collections.abc import Sequence
from uuid import UUID

from revenge_cli.access_here import AccessHere
from revenge_cli.account_records import Count, Invite, People, Person, SignIn
from revenge_cli.desk import Desk
from revenge_core.accounts.entities import AccountChanges, NewAccount, NewInvitation
from revenge_core.actor import Actor
from revenge_core.ids import InvitationId, SessionId, UserId
from revenge_core.revenge import Revenge
from revenge_core.secrets import Secret
from revenge_core.users.entities import UserFilter


class DeskHere(Desk):
    """Use cases, called by the host."""

    def __init__(self, revenge: Revenge) -> None:
        self._revenge = revenge
        self._host = Actor.host()

    @property
    def access(self) -> AccessHere:
        """Of the same machine."""
        return AccessHere(self._revenge)

    async def myself(self) -> Person | None:
        """Nobody who has an account."""
        return None

    async def people(self, wanted: UserFilter, *, limit: int, offset: int) -> People:
        """As `Administration.list`."""
        page = await self._revenge.administration.list(self._host, wanted, limit=limit, offset=offset)
        return People(users=tuple(map(Person.of, page.users)), total=page.total)

    async def find(self, name: str) -> Person:
        """As `Administration.find`."""
        user_id = await self._revenge.administration.find(self._host, name)
        return Person.of(await self._revenge.administration.get(self._host, user_id))

    async def create(self, new: NewAccount) -> tuple[Person, Secret | None]:
        """As `Administration.create`."""
        created = await self._revenge.administration.create(self._host, new)
        return Person.of(created.account), created.link

    async def change(self, user_id: UUID, changes: AccountChanges) -> Person:
        """As `Administration.change`."""
        return Person.of(await self._revenge.administration.change(self._host, UserId(user_id), changes))

    async def disable(self, user_id: UUID) -> None:
        """As `Administration.disable`."""
        await self._revenge.administration.disable(self._host, UserId(user_id))

    async def enable(self, user_id: UUID) -> None:
        """As `Administration.enable`."""
        await self._revenge.administration.enable(self._host, UserId(user_id))

    async def delete(self, user_id: UUID) -> None:
        """As `Administration.delete`."""
        await self._revenge.administration.delete(self._host, UserId(user_id))

    async def restore(self, user_id: UUID) -> Person:
        """As `Administration.restore`."""
        return Person.of(await self._revenge.administration.restore(self._host, UserId(user_id)))

    async def send_reset(self, user_id: UUID) -> None:
        """As `Administration.send_reset`."""
        await self._revenge.administration.send_reset(self._host, UserId(user_id))

    async def sessions_of(self, user_id: UUID) -> Sequence[SignIn]:
        """As `Sessions.list`."""
        return [SignIn.of(one) for one in await self._revenge.sessions.list(self._host, UserId(user_id))]

    async def revoke_session(self, session_id: UUID) -> None:
        """As `Administration.revoke_session`."""
        await self._revenge.administration.revoke_session(self._host, SessionId(session_id))

    async def revoke_sessions(self, user_id: UUID) -> int:
        """As `Administration.revoke_sessions`."""
        return await self._revenge.administration.revoke_sessions(self._host, UserId(user_id))

    async def invite(self, new: NewInvitation) -> Invite:
        """As `Invitations.create`."""
        made = await self._revenge.invitations.create(self._host, new)
        return Invite.of(made.invitation, made.link.reveal())

    async def invitations(self, *, limit: int, offset: int) -> tuple[Sequence[Invite], int]:
        """As `Invitations.list`."""
        found, total = await self._revenge.invitations.list(self._host, limit=limit, offset=offset)
        return [Invite.of(one) for one in found], total

    async def invitation(self, invitation_id: UUID) -> Invite:
        """As `Invitations.get`."""
        return Invite.of(await self._revenge.invitations.get(self._host, InvitationId(invitation_id)))

    async def revoke_invitation(self, invitation_id: UUID) -> None:
        """As `Invitations.revoke`."""
        await self._revenge.invitations.revoke(self._host, InvitationId(invitation_id))

    async def counts(self) -> Sequence[Count]:
        """As `Guessing.used`."""
        return [Count.of(one) for one in await self._revenge.guessing.used(self._host)]

    async def clear(self, subject: str) -> None:
        """As `Guessing.clear`."""
        await self._revenge.guessing.clear(self._host, subject)
