"""Use cases of those who look after other people's accounts (decisions I11)."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID

from msgspec import UNSET
from msgspec.structs import replace

from revenge_core.accounts.entities import AccountChanges, Created, NewAccount
from revenge_core.accounts.errors import AccountInvalid, AccountNotDeleted, OwnAccount
from revenge_core.accounts.policy import check_not_last, checked_query
from revenge_core.accounts.ports import AccountsTx
from revenge_core.accounts.service.changing import Changing
from revenge_core.accounts.service.leaving import Leaving
from revenge_core.activity.entities import Action, FieldChange, Resource
from revenge_core.activity.service import Activity
from revenge_core.actor import Actor
from revenge_core.auth.entities import Credential
from revenge_core.auth.service import Passwords, Recovery
from revenge_core.clock import Clock
from revenge_core.errors import FieldProblem, Unauthenticated, VersionMismatch
from revenge_core.feed import Change
from revenge_core.ids import SessionId, UserId
from revenge_core.mail.errors import MailOff
from revenge_core.paging import checked_limit, checked_offset
from revenge_core.permissions import Permission
from revenge_core.rbac.entities import GrantSource, RoleGrant
from revenge_core.rbac.service import Powers, Reach
from revenge_core.secrets import new_token
from revenge_core.sessions.entities import EndReason
from revenge_core.sessions.errors import SessionNotFound
from revenge_core.sessions.service import Sessions
from revenge_core.uow import UnitOfWork
from revenge_core.users.entities import Listed, User, UserFilter, UserPage
from revenge_core.users.errors import UserNotFound
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
        passwords: Passwords,
        recovery: Recovery,
        sessions: Sessions,
        powers: Powers,
        changing: Changing,
        leaving: Leaving,
        clock: Clock,
    ) -> None:
        self._uow = uow
        self._directory = directory
        self._activity = activity
        self._users = users
        self._addresses = addresses
        self._passwords = passwords
        self._recovery = recovery
        self._sessions = sessions
        self._powers = powers
        self._changing = changing
        self._leaving = leaving
        self._clock = clock

    async def list(self, actor: Actor, user_filter: UserFilter, *, limit: int = 50, offset: int = 0) -> UserPage:
        """Accounts that fit, the newest first.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `users:list`.
            Invalid: `limit` is not from 1 to 200, `offset` not from 0 to a million, or `query` is longer than 200
                characters.
        """
        actor.require(Permission.USERS_LIST)
        wanted = replace(user_filter, query=checked_query(user_filter.query))
        return await self._directory.find(wanted, limit=checked_limit(limit), offset=checked_offset(offset))

    async def get(self, actor: Actor, user_id: UserId) -> Listed:
        """One account with its roles, living or deleted.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `users:get`.
            UserNotFound: there is none.
        """
        actor.require(Permission.USERS_GET)
        return await self._listed(user_id)

    async def find(self, actor: Actor, name: str) -> UserId:
        """The account with this id, user name or address, for people who do not type ids.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `users:list`.
            UserNotFound: there is none.
        """
        actor.require(Permission.USERS_LIST)
        try:
            listed = await self._directory.any_by_id(UserId(UUID(name)))
        except ValueError:
            listed = None
        found = await self._directory.id_of(name) if listed is None else listed.user.id
        if found is None:
            raise UserNotFound
        return found

    async def create(self, actor: Actor, new: NewAccount) -> Created:
        """Make an account; its owner chooses the password by a link, which a mail brings or, without mail, the answer.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `users:create`, or `roles:assign` for roles other than `user`.
            ReauthRequired: a role other than `user` is given, and the actor's latest proof is too old.
            RoleTooPowerful: a role carries what the actor may not.
            AccountInvalid: fields break rules, or roles do not exist; all of them are named.
            UsernameTaken, EmailTaken: somebody else has the name or the address.
            HasherBusy: too many sign-ins at this moment.
        """
        actor.require(Permission.USERS_CREATE)
        problems = self._users.problems_of(new)
        if unknown := await self._powers.unknown(new.roles):
            problems.append(unknown_roles(unknown))
        if problems:
            raise AccountInvalid(problems=problems)
        # Nobody's password: whoever tries to sign in is told the same, in the same time, as with any wrong one.
        password_hash = await self._passwords.hash(new_token())
        async with self._uow.begin() as tx:
            (await self._powers.reach(tx, actor)).check_giving(new.roles)
            user = await self._users.add(tx, new, email_verified=new.email_verified)
            now = user.created_at
            await tx.credentials.put(Credential(user_id=user.id, password_hash=password_hash, changed_at=now))
            for role in sorted(new.roles):
                grant = RoleGrant(
                    user_id=user.id, role=role, source=GrantSource.MANUAL, granted_at=now, granted_by=actor.user_id
                )
                await tx.roles.grant(grant)
            await self._audit(
                tx,
                actor,
                Action.USER_CREATE,
                user,
                username=FieldChange(after=user.username),
                email=FieldChange(after=user.email),
                email_verified=FieldChange(after=user.email_verified),
                roles=FieldChange(after=", ".join(sorted(new.roles))),
            )
            made = Listed(user=user, roles=new.roles)
            if self._addresses.can_verify:
                await self._recovery.send_first(tx, user)
                return Created(account=made, link=None)
            return Created(account=made, link=(await self._recovery.link_for(tx, user)).link)

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
            AccountInvalid: as `create`, or a role that is to go comes from a group.
            UsernameTaken, EmailTaken: as `create`.
            LastAdmin: nobody else could administer the server.
            OwnAdmin: the actor would take the role `admin` from themselves.
        """
        actor.require(Permission.USERS_UPDATE)
        self._changing.check(changes)
        unknown = await self._powers.unknown(changes.roles) if changes.roles is not UNSET else []
        if unknown:
            raise AccountInvalid(problems=[unknown_roles(unknown)])
        may_end_admins = self._changing.may_end_admins(changes)
        async with self._locked(actor, user_id, version, admins=may_end_admins) as (tx, reach, user, admins):
            return await self._changing.apply(tx, actor, reach, user, changes, admins)

    async def disable(self, actor: Actor, user_id: UserId, *, version: int | None = None) -> None:
        """Keep somebody out; all of their sessions end. Nothing happens where they are out already.

        Raises:
            Unauthenticated, Forbidden, RoleTooPowerful, UserNotFound, VersionMismatch, LastAdmin: as `change`.
            OwnAccount: it is the actor's own.
        """
        actor.require(Permission.USERS_UPDATE)
        refuse_own(actor, user_id)
        async with self._locked(actor, user_id, version, admins=True) as (tx, _, user, admins):
            if user.is_active:
                check_not_last(admins, user_id)
                out = await self._leaving.shut_out(tx, actor, user, EndReason.ACCOUNT_DISABLED)
                await tx.users.update(replace(out, is_active=False))
                await self._audit(tx, actor, Action.USER_DISABLE, user, is_active=FieldChange(before=True, after=False))

    async def enable(self, actor: Actor, user_id: UserId, *, version: int | None = None) -> None:
        """Let somebody in again. Nothing happens where they are in already.

        Raises:
            Unauthenticated, Forbidden, RoleTooPowerful, UserNotFound, VersionMismatch: as `change`.
        """
        actor.require(Permission.USERS_UPDATE)
        async with self._locked(actor, user_id, version) as (tx, _, user, _):
            if not user.is_active:
                version = user.version + 1
                await tx.users.update(replace(user, is_active=True, version=version, updated_at=self._clock.now()))
                tx.feed.publish(Change.of_user(user_id))
                await self._audit(tx, actor, Action.USER_ENABLE, user, is_active=FieldChange(before=False, after=True))

    async def delete(self, actor: Actor, user_id: UserId, *, version: int | None = None) -> None:
        """Delete an account: sessions end at once; within the grace period `restore` undoes it, its owner cannot.

        An owner who deleted it themselves cannot any more either: nobody escapes by leaving first.

        Raises:
            Unauthenticated, Forbidden, ReauthRequired: the actor lacks `users:delete`, or a recent proof.
            RoleTooPowerful, UserNotFound, VersionMismatch, LastAdmin: as `change`; it may be deleted already.
            OwnAccount: it is the actor's own; `Accounts.delete_me` is for that.
        """
        actor.require(Permission.USERS_DELETE)
        actor.require_proof(self._clock.now())
        refuse_own(actor, user_id)
        jobs = await self._leaving.jobs_of(user_id)
        async with self._locked(actor, user_id, version, admins=True, who_left=True) as (tx, _, user, admins):
            if user.deleted_at is not None:
                await self._leaving.keep_out(tx, actor, user)
                return
            check_not_last(admins, user_id)
            await self._leaving.delete(tx, actor, user, jobs=jobs, may_return=False)

    async def restore(self, actor: Actor, user_id: UserId, *, version: int | None = None) -> Listed:
        """Bring back a deleted account that was not purged yet; its sessions stay ended.

        Raises:
            Unauthenticated, Forbidden, ReauthRequired: the actor lacks `users:delete`, or a recent proof.
            RoleTooPowerful, UserNotFound, VersionMismatch: as `change`.
            AccountNotDeleted: it is there.
        """
        actor.require(Permission.USERS_DELETE)
        actor.require_proof(self._clock.now())
        async with self._uow.begin() as tx:
            user = await tx.users.lock_any(user_id)
            if user is None:
                raise UserNotFound
            roles = await tx.roles.roles_of(user_id)
            (await self._powers.reach(tx, actor)).check_over(roles)
            if user.deleted_at is None:
                raise AccountNotDeleted
            if version is not None and version != user.version:
                raise VersionMismatch
            return Listed(user=await self._leaving.restore(tx, actor, user), roles=roles)

    async def send_reset(self, actor: Actor, user_id: UserId) -> None:
        """Mail a link to set a new password; the administrator never knows it (ASVS 6.4.6).

        Raises:
            Unauthenticated, Forbidden: the actor lacks `users:update`, or is an API key: a link sets a credential.
            RoleTooPowerful, UserNotFound: as `change`.
            MailOff: this server sends none; from its shell `reset_link` helps.
        """
        actor.refuse_key()
        actor.require(Permission.USERS_UPDATE)
        if not self._addresses.can_verify:
            raise MailOff
        async with self._locked(actor, user_id, None) as (tx, _, user, _):
            await self._recovery.send_to(tx, user)
            await self._audit(tx, actor, Action.USER_PASSWORD_RESET_REQUEST, user)

    async def revoke_sessions(self, actor: Actor, user_id: UserId) -> int:
        """End all sessions of an account; how many there were.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `sessions:revoke`, or is an API key (decisions A4).
            RoleTooPowerful, UserNotFound: as `change`.
        """
        actor.refuse_key()
        actor.require(Permission.SESSIONS_REVOKE)
        async with self._locked(actor, user_id, None) as (tx, _, _, _):
            return await self._sessions.end_all(
                tx, actor, user_id, EndReason.REVOKED, Action.SESSION_REVOKE_ALL, keep=None
            )

    async def revoke_session(self, actor: Actor, session_id: SessionId) -> None:
        """End one session, on every node: the actor's own, or with `sessions:revoke` that of whoever may do no more.

        Raises:
            Unauthenticated, KeyRefused: nobody is signed in, or it is an API key.
            SessionNotFound: it is over, never was, or is somebody else's and the actor lacks the permission.
            RoleTooPowerful: its user may do what the actor may not.
        """
        actor.refuse_key()
        if actor.user_id is None and not actor.permissions:
            raise Unauthenticated
        async with self._uow.begin() as tx:
            session = await tx.sessions.by_id(session_id)
            if session is None:
                raise SessionNotFound
            if session.user_id != actor.user_id:
                if not actor.may(Permission.SESSIONS_REVOKE):
                    raise SessionNotFound
                await tx.users.lock_any(session.user_id)
                (await self._powers.reach(tx, actor)).check_over(await tx.roles.roles_of(session.user_id))
            await self._sessions.revoke_found(tx, actor, session)

    # Parts

    async def _listed(self, user_id: UserId) -> Listed:
        listed = await self._directory.any_by_id(user_id)
        if listed is None:
            raise UserNotFound
        return listed

    @asynccontextmanager
    async def _locked(
        self, actor: Actor, user_id: UserId, version: int | None, *, admins: bool = False, who_left: bool = False
    ) -> AsyncGenerator[tuple[AccountsTx, Reach, User, frozenset[UserId]]]:
        """A transaction with a living account that the actor may change; with all enabled admins, if they matter.

        With `who_left`, also with one whose owner deleted it and may return.

        Raises:
            UserNotFound, RoleTooPowerful, VersionMismatch: as `change`.
        """
        async with self._uow.begin() as tx:
            enabled = await tx.roles.lock_admins() if admins else frozenset[UserId]()
            user = await tx.users.lock_any(user_id)
            if user is None or (user.deleted_at is not None and not (who_left and user.may_return)):
                raise UserNotFound
            reach = await self._powers.reach(tx, actor)
            reach.check_over(await tx.roles.roles_of(user_id))
            if version is not None and version != user.version:
                raise VersionMismatch
            yield tx, reach, user, enabled

    async def _audit(self, tx: AccountsTx, actor: Actor, action: Action, user: User, **changes: FieldChange) -> None:
        resource = Resource(type="user", id=user.id, key=user.username)
        await self._activity.write(tx, actor, action, resource=resource, changes=changes)


def refuse_own(actor: Actor, user_id: UserId) -> None:
    """Nobody locks themselves out by mistake.

    Raises:
        OwnAccount: it is the actor's own.
    """
    if actor.user_id == user_id:
        raise OwnAccount


def unknown_roles(names: list[str]) -> FieldProblem:
    """What to say of roles that do not exist."""
    return FieldProblem(pointer="/roles", detail=f"there is no role {', '.join(names)[:200]!r}")
