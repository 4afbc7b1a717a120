"""Use cases of those who look after other people's accounts (decisions I11)."""

from revenge_core.accounts.entities import AccountChanges, AccountRules, Created, NewAccount
from revenge_core.accounts.ports import AccountsTx
from revenge_core.activity.service import Activity
from revenge_core.actor import Actor
from revenge_core.auth.service import Recovery
from revenge_core.clock import Clock
from revenge_core.ids import UserId
from revenge_core.rbac.service import Rbac
from revenge_core.sessions.service import Sessions
from revenge_core.uow import UnitOfWork
from revenge_core.users.entities import Listed, UserFilter, UserPage
from revenge_core.users.ports import UserDirectory
from revenge_core.users.service import Addresses, Users


class Administration:
    """Other people's accounts.

    Nobody reaches rights that they do not have: who holds more permissions than the actor is changed by nobody else,
    and a role can be given only by whoever has all it carries. The last enabled admin stays one on every path.
    """

    def __init__(  # one argument per port and service that it uses
        self,
        uow: UnitOfWork[AccountsTx],
        directory: UserDirectory,
        activity: Activity,
        users: Users,
        addresses: Addresses,
        recovery: Recovery,
        sessions: Sessions,
        rbac: Rbac,
        clock: Clock,
        rules: AccountRules,
    ) -> None:
        self._uow = uow
        self._directory = directory
        self._activity = activity
        self._users = users
        self._addresses = addresses
        self._recovery = recovery
        self._sessions = sessions
        self._rbac = rbac
        self._clock = clock
        self._rules = rules

    async def list(self, actor: Actor, user_filter: UserFilter, *, limit: int = 50, offset: int = 0) -> UserPage:
        """Accounts that fit, the newest first.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `users:list`.
            Invalid: `limit` is not from 1 to 200, `offset` is negative, or `query` is longer than 200 characters.
        """
        raise NotImplementedError

    async def get(self, actor: Actor, user_id: UserId) -> Listed:
        """One account with its roles, living or deleted.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `users:get`.
            UserNotFound: there is none.
        """
        raise NotImplementedError

    async def find(self, actor: Actor, name: str) -> UserId:
        """The account with this id, user name or address, for people who do not type ids.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `users:list`.
            UserNotFound: there is none.
        """
        raise NotImplementedError

    async def create(self, actor: Actor, new: NewAccount) -> Created:
        """Make an account; its owner chooses the password by a link, which a mail brings or, without mail, the answer.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `users:create`, or `roles:assign` for roles other than `user`.
            ReauthRequired: a role other than `user` is given, and the actor's latest proof is too old.
            RoleTooPowerful: a role carries what the actor may not.
            AccountInvalid: fields break rules, or roles do not exist; all of them are named.
            UsernameTaken, EmailTaken: somebody else has the name or the address.
        """
        raise NotImplementedError

    async def change(
        self, actor: Actor, user_id: UserId, changes: AccountChanges, *, version: int | None = None
    ) -> Listed:
        """Change an account; a new address takes effect at once, and both are told.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `users:update`, or `roles:assign` where roles change.
            ReauthRequired: roles or the address change, and the actor's latest proof is too old.
            RoleTooPowerful: the account, or a role given or taken, may do what the actor may not.
            UserNotFound: there is none.
            VersionMismatch: it is not at `version`.
            AccountInvalid, UsernameTaken, EmailTaken: as `create`.
            LastAdmin: nobody else could administer the server.
        """
        raise NotImplementedError

    async def disable(self, actor: Actor, user_id: UserId, *, version: int | None = None) -> None:
        """Keep somebody out; all of their sessions end. Nothing happens where they are out already.

        Raises:
            Unauthenticated, Forbidden, RoleTooPowerful, UserNotFound, VersionMismatch, LastAdmin: as `change`.
            OwnAccount: it is the actor's own.
        """
        raise NotImplementedError

    async def enable(self, actor: Actor, user_id: UserId, *, version: int | None = None) -> None:
        """Let somebody in again. Nothing happens where they are in already.

        Raises:
            Unauthenticated, Forbidden, RoleTooPowerful, UserNotFound, VersionMismatch: as `change`.
        """
        raise NotImplementedError

    async def delete(self, actor: Actor, user_id: UserId, *, version: int | None = None) -> None:
        """Delete an account: sessions end at once; within the grace period `restore` undoes it, its owner cannot.

        Raises:
            Unauthenticated, Forbidden, ReauthRequired: the actor lacks `users:delete`, or a recent proof.
            RoleTooPowerful, UserNotFound, VersionMismatch, LastAdmin: as `change`; it may be deleted already.
            OwnAccount: it is the actor's own; `Accounts.delete_me` is for that.
        """
        raise NotImplementedError

    async def restore(self, actor: Actor, user_id: UserId) -> Listed:
        """Bring back a deleted account that was not purged yet; its sessions stay ended.

        Raises:
            Unauthenticated, Forbidden, ReauthRequired: the actor lacks `users:delete`, or a recent proof.
            RoleTooPowerful, UserNotFound: as `change`.
            AccountNotDeleted: it is there.
        """
        raise NotImplementedError

    async def send_reset(self, actor: Actor, user_id: UserId) -> None:
        """Mail a link to set a new password; the administrator never knows it (ASVS 6.4.6).

        Raises:
            Unauthenticated, Forbidden: the actor lacks `users:update`.
            RoleTooPowerful, UserNotFound: as `change`.
            MailOff: this server sends none; from its shell `reset_link` helps.
        """
        raise NotImplementedError

    async def revoke_sessions(self, actor: Actor, user_id: UserId) -> int:
        """End all sessions of an account; how many there were.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `sessions:revoke`.
            RoleTooPowerful, UserNotFound: as `change`.
        """
        raise NotImplementedError
