"""Use cases of giving people roles, and taking them away."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from msgspec.structs import replace

from revenge_core.activity.entities import Action, FieldChange, Resource
from revenge_core.activity.service import Activity
from revenge_core.actor import Actor
from revenge_core.clock import Clock
from revenge_core.errors import FieldProblem
from revenge_core.feed import Change
from revenge_core.ids import UserId
from revenge_core.permissions import Permission
from revenge_core.rbac.entities import ADMIN, GrantSource, Holder, RoleGrant
from revenge_core.rbac.errors import LastAdmin, OwnAdmin, RoleNotFound, RoleNotHeld, RoleUnknown
from revenge_core.rbac.policy import compile_index, is_role_name
from revenge_core.rbac.ports import RbacTx, RoleDirectory
from revenge_core.rbac.service.powers import Reach
from revenge_core.uow import UnitOfWork
from revenge_core.users.entities import User
from revenge_core.users.errors import UserNotFound


class Grants:
    """Roles that people were given directly.

    Each grant has a source, and what one source granted another never takes away; an administrator, who is none, takes
    away all (decisions A1). Nobody gives or takes what they lack, nor from somebody who may do more.
    """

    def __init__(self, uow: UnitOfWork[RbacTx], directory: RoleDirectory, activity: Activity, clock: Clock) -> None:
        self._uow = uow
        self._directory = directory
        self._activity = activity
        self._clock = clock

    async def of(self, actor: Actor, user_id: UserId) -> Holder:
        """Which roles somebody holds, and how: one's own, or of others with `users:get`.

        Raises:
            Unauthenticated: nobody is signed in.
            KeyScopeLacking: an API key of the user lacks the right to read their own.
            UserNotFound: there is no such account, or the actor may not know.
        """
        if user_id == actor.user_id:
            actor.require_user()
        elif actor.may(Permission.USERS_GET):
            actor.require(Permission.USERS_GET)
        else:
            actor.require_user()
            raise UserNotFound
        holder = await self._directory.holder(user_id)
        if holder is None:
            raise UserNotFound
        return holder

    async def assign(self, actor: Actor, user_id: UserId, role: str) -> frozenset[str]:
        """Give somebody a role; all that they hold then. Nothing happens where an administrator gave it before.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `roles:assign`.
            ReauthRequired: the actor's latest proof is too old.
            RoleUnknown: there is no such role.
            UserNotFound: there is no such living account.
            RoleTooPowerful: the role, or the account, may do what the actor may not.
        """
        async with self._locked(actor, user_id, role) as (tx, user, _):
            grant = RoleGrant(
                user_id=user_id,
                role=role,
                source=GrantSource.MANUAL,
                granted_at=self._clock.now(),
                granted_by=actor.user_id,
            )
            try:
                is_new = await tx.roles.grant(grant)
            except RoleNotFound:
                raise _unknown() from None
            if is_new:
                told = {"role": FieldChange(after=role), "source": FieldChange(after=grant.source)}
                await self._note(tx, actor, Action.USER_ROLE_ASSIGN, user, told)
            return await tx.roles.roles_of(user_id)

    async def withdraw(self, actor: Actor, user_id: UserId, role: str) -> None:
        """Take a role away that somebody was given, whoever gave it. In a group that carries it they hold it still.

        Raises:
            Unauthenticated, Forbidden, ReauthRequired, RoleTooPowerful: as `assign`.
            UserNotFound: there is no such living account.
            RoleNotHeld: they were not given it directly, or there is no such role.
            OwnAdmin: it is the actor's own role `admin`.
            LastAdmin: nobody else could administer the server.
        """
        async with self._locked(actor, user_id, role, takes=True) as (tx, user, admins):
            sources = await tx.roles.withdraw(user_id, role)
            if not sources:
                raise RoleNotHeld
            if role == ADMIN and ADMIN not in await tx.roles.roles_of(user_id):
                if admins == frozenset({user_id}):
                    raise LastAdmin
                if user_id == actor.user_id:
                    raise OwnAdmin
            told = {"role": FieldChange(before=role), "source": FieldChange(before=", ".join(sorted(sources)))}
            await self._note(tx, actor, Action.USER_ROLE_WITHDRAW, user, told)

    # Parts

    @asynccontextmanager
    async def _locked(
        self, actor: Actor, user_id: UserId, role: str, *, takes: bool = False
    ) -> AsyncGenerator[tuple[RbacTx, User, frozenset[UserId]]]:
        """A transaction with a living account whose roles the actor may change by this one.

        With all enabled admins, where one could be fewer. What roles carry is read in the transaction: a role that was
        made a moment ago on another server counts.
        """
        actor.require(Permission.ROLES_ASSIGN)
        now = self._clock.now()
        actor.require_proof(now)
        if not is_role_name(role):
            raise RoleNotHeld if takes else _unknown()
        async with self._uow.begin() as tx:
            admins = await tx.roles.lock_admins() if takes and role == ADMIN else frozenset[UserId]()
            index = compile_index(await tx.roles.all())
            if not takes and not index.knows(frozenset({role})):
                raise _unknown()
            user = await tx.users.lock(user_id)
            if user is None:
                raise UserNotFound
            reach = Reach(actor, index, now)
            reach.check_over(await tx.roles.roles_of(user_id))
            if index.knows(frozenset({role})):
                reach.check_exchange(frozenset({role}))
            yield tx, user, admins

    async def _note(
        self, tx: RbacTx, actor: Actor, action: Action, user: User, changes: dict[str, FieldChange]
    ) -> None:
        """Whoever looked at the account saw its roles: it is another version of it now."""
        await tx.users.update(replace(user, version=user.version + 1, updated_at=self._clock.now()))
        tx.feed.publish(Change.of_user(user.id))
        resource = Resource(type="user", id=user.id, key=user.username)
        await self._activity.write(tx, actor, action, resource=resource, changes=changes)


def _unknown() -> RoleUnknown:
    return RoleUnknown(problems=[FieldProblem(pointer="/role", detail="must be the name of a role")])
