"""Use cases of invitations."""

from datetime import datetime
from typing import Final

from revenge_core.accounts.entities import AccountRules, Invitation, Invited, NewInvitation
from revenge_core.accounts.errors import InvitationInvalid, InvitationNotFound
from revenge_core.accounts.policy import can_invite_to, invitation_problems
from revenge_core.accounts.ports import AccountsTx, InvitationReader
from revenge_core.activity.entities import Action, FieldChange, Resource
from revenge_core.activity.service import Activity
from revenge_core.actor import Actor
from revenge_core.clock import Clock
from revenge_core.errors import FieldProblem, Unauthenticated
from revenge_core.ids import Ids, InvitationId
from revenge_core.mail.entities import Notice
from revenge_core.mail.service import Notices
from revenge_core.paging import checked_limit, checked_offset
from revenge_core.permissions import Permission
from revenge_core.rbac.errors import RoleUnknown
from revenge_core.rbac.service import Powers
from revenge_core.secrets import Secret, digest, new_token
from revenge_core.uow import UnitOfWork
from revenge_core.users.errors import TokenInvalid
from revenge_core.users.ports import UserDirectory
from revenge_core.users.service import Addresses

_NO_ROLE: Final = FieldProblem(pointer="/role", detail="must be the name of a role")


class Invitations:
    """Letting people in."""

    def __init__(  # one argument per port and service that it uses
        self,
        uow: UnitOfWork[AccountsTx],
        reader: InvitationReader,
        directory: UserDirectory,
        activity: Activity,
        notices: Notices,
        powers: Powers,
        clock: Clock,
        ids: Ids,
        rules: AccountRules,
    ) -> None:
        self._uow = uow
        self._reader = reader
        self._directory = directory
        self._activity = activity
        self._notices = notices
        self._powers = powers
        self._clock = clock
        self._ids = ids
        self._rules = rules

    @staticmethod
    def problems_of(new: NewInvitation, now: datetime) -> list[FieldProblem]:
        """Everything that is wrong with an invitation to be made; whether there is such a role, `create` finds out."""
        found = list(invitation_problems(new, now))
        return found if new.email is None else [*found, *Addresses.problems_of(new.email)]

    async def create(self, actor: Actor, new: NewInvitation) -> Invited:
        """Make an invitation; with an address it is mailed there, too. Its token is told this once.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `invitations:create`, or `roles:assign` for a role other
                than `user`.
            ReauthRequired: another role is given, and the actor's latest proof is too old.
            RoleTooPowerful: the role carries what the actor may not.
            InvitationInvalid: fields break rules; all of them are named.
        """
        actor.require(Permission.INVITATIONS_CREATE)
        now, token = self._clock.now(), new_token()
        problems = self.problems_of(new, now)
        if await self._powers.unknown(frozenset({new.role})):
            problems.append(_NO_ROLE)
        if problems:
            raise InvitationInvalid(problems=problems)
        invitation = Invitation(
            id=InvitationId(self._ids.new()),
            token_hash=digest(token),
            role=new.role,
            libraries=new.libraries,
            uses=new.uses,
            used=0,
            email=new.email,
            note=new.note or None,
            created_by=actor.user_id,
            created_at=now,
            expires_at=new.expires_at or now + self._rules.invitation_lifetime,
        )
        link, inviter = self._notices.link("invitation", token), await self._inviter(actor)
        async with self._uow.begin() as tx:
            (await self._powers.reach(tx, actor)).check_giving(frozenset({new.role}))
            # Whoever is deleted meanwhile leaves none behind: it would be nobody's once they are erased.
            if actor.user_id is not None and await tx.users.lock(actor.user_id) is None:
                raise Unauthenticated
            try:
                await tx.invitations.add(invitation)
            except RoleUnknown:  # deleted since it was looked for
                raise InvitationInvalid(problems=[_NO_ROLE]) from None
            await self._activity.write(
                tx,
                actor,
                Action.INVITATION_CREATE,
                resource=Resource(type="invitation", id=invitation.id),
                changes={
                    "role": FieldChange(after=invitation.role),
                    "uses": FieldChange(after=invitation.uses),
                    "email": FieldChange(after=invitation.email),
                    "libraries": FieldChange(after=", ".join(invitation.libraries)),
                    "expires_at": FieldChange(after=invitation.expires_at.isoformat()),
                },
            )
            if invitation.email is not None:
                values: dict[str, str | Secret] = {
                    "inviter": inviter,
                    "link": link,
                    "until": self._notices.time(invitation.expires_at),
                }
                await self._notices.send(
                    tx, invitation.email, Notice.INVITATION, values, good_until=invitation.expires_at
                )
        return Invited(invitation=invitation, token=token, link=link)

    async def list(self, actor: Actor, *, limit: int = 50, offset: int = 0) -> tuple[tuple[Invitation, ...], int]:
        """Invitations, the newest first, and how many there are in all.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `invitations:list`.
            Invalid: `limit` is not from 1 to 200, or `offset` not from 0 to a million.
        """
        actor.require(Permission.INVITATIONS_LIST)
        return await self._reader.all(limit=checked_limit(limit), offset=checked_offset(offset))

    async def get(self, actor: Actor, invitation_id: InvitationId) -> Invitation:
        """One invitation, good for something or not.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `invitations:get`.
            InvitationNotFound: there is none.
        """
        actor.require(Permission.INVITATIONS_GET)
        invitation = await self._reader.by_id(invitation_id)
        if invitation is None:
            raise InvitationNotFound
        return invitation

    async def revoke(self, actor: Actor, invitation_id: InvitationId) -> None:
        """It lets nobody in any more; whoever came in stays.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `invitations:delete`.
            InvitationNotFound: there is none, or it was revoked before.
        """
        actor.require(Permission.INVITATIONS_DELETE)
        now = self._clock.now()
        async with self._uow.begin() as tx:
            if await tx.invitations.revoke(invitation_id, now) is None:
                raise InvitationNotFound
            await self._activity.write(
                tx,
                actor,
                Action.INVITATION_REVOKE,
                resource=Resource(type="invitation", id=invitation_id),
                changes={"revoked_at": FieldChange(after=now.isoformat())},
            )

    async def look(self, token: Secret) -> Invitation:
        """What an invitation is for, for whoever has its token.

        It is as good as who made it: whoever was disabled, deleted or has the rights no more lets nobody in.

        Raises:
            TokenInvalid: it lets nobody in.
        """
        async with self._uow.begin() as tx:
            invitation = await tx.invitations.peek(digest(token), self._clock.now())
            if invitation is None or not await self._is_backed(tx, invitation):
                raise TokenInvalid
        return invitation

    async def use(self, tx: AccountsTx, invitation: Invitation) -> Invitation | None:
        """Let one in. None if it lets nobody in by now: whoever made it may have lost their rights since `look`."""
        if not await self._is_backed(tx, invitation):
            return None
        return await tx.invitations.consume(invitation.token_hash, self._clock.now())

    # Parts

    async def _is_backed(self, tx: AccountsTx, invitation: Invitation) -> bool:
        """Whether whoever made it still could. They are locked, so it stays so until `tx` ends."""
        if invitation.created_by is None:  # the server's own shell
            return True
        maker = await tx.users.lock(invitation.created_by)
        if maker is None or not maker.is_active:
            return False
        return can_invite_to(invitation.role, await tx.roles.roles_of(maker.id), await self._powers.index(tx))

    async def _inviter(self, actor: Actor) -> str:
        """How the mail calls whoever invites."""
        listed = None if actor.user_id is None else await self._directory.any_by_id(actor.user_id)
        return "An administrator" if listed is None else listed.user.display_name or listed.user.username
