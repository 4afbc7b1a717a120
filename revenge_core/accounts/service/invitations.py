"""Use cases of invitations."""

from revenge_core.accounts.entities import AccountRules, Invitation, Invited, NewInvitation
from revenge_core.accounts.ports import AccountsTx, InvitationReader
from revenge_core.activity.service import Activity
from revenge_core.actor import Actor
from revenge_core.clock import Clock
from revenge_core.ids import Ids, InvitationId
from revenge_core.mail.service import Notices
from revenge_core.rbac.service import Rbac
from revenge_core.secrets import Secret
from revenge_core.uow import UnitOfWork


class Invitations:
    """Letting people in."""

    def __init__(  # one argument per port and service that it uses
        self,
        uow: UnitOfWork[AccountsTx],
        reader: InvitationReader,
        activity: Activity,
        notices: Notices,
        rbac: Rbac,
        clock: Clock,
        ids: Ids,
        rules: AccountRules,
    ) -> None:
        self._uow = uow
        self._reader = reader
        self._activity = activity
        self._notices = notices
        self._rbac = rbac
        self._clock = clock
        self._ids = ids
        self._rules = rules

    async def create(self, actor: Actor, new: NewInvitation) -> Invited:
        """Make an invitation; with an address it is mailed there, too. Its token is told this once.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `invitations:create`, or `roles:assign` for a role other
                than `user`.
            ReauthRequired: another role is given, and the actor's latest proof is too old.
            RoleTooPowerful: the role carries what the actor may not.
            InvitationInvalid: fields break rules; all of them are named.
        """
        raise NotImplementedError

    async def list(self, actor: Actor, *, limit: int = 50, offset: int = 0) -> tuple[tuple[Invitation, ...], int]:
        """Invitations, the newest first, and how many there are in all.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `invitations:list`.
            Invalid: `limit` is not from 1 to 200, or `offset` is negative.
        """
        raise NotImplementedError

    async def get(self, actor: Actor, invitation_id: InvitationId) -> Invitation:
        """One invitation, good for something or not.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `invitations:get`.
            InvitationNotFound: there is none.
        """
        raise NotImplementedError

    async def revoke(self, actor: Actor, invitation_id: InvitationId) -> None:
        """It lets nobody in any more; whoever came in stays.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `invitations:delete`.
            InvitationNotFound: there is none, or it was revoked before.
        """
        raise NotImplementedError

    async def look(self, token: Secret) -> Invitation:
        """What an invitation is for, for whoever has its token.

        Raises:
            TokenInvalid: it lets nobody in.
        """
        raise NotImplementedError
