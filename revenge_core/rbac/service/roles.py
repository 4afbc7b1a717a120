"""Use cases of making, changing and deleting roles, and the policies that they are made of (decisions A1, A2)."""

from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager

from msgspec import UNSET
from msgspec.structs import replace

from revenge_core.activity.entities import Action, FieldChange, Resource
from revenge_core.activity.service import Activity
from revenge_core.actor import Actor
from revenge_core.clock import Clock
from revenge_core.errors import FieldProblem, VersionMismatch
from revenge_core.feed import ROLES_CHANGED
from revenge_core.permissions import Permission
from revenge_core.rbac.entities import ADMIN, CountedRole, GrantSource, NewRole, Policy, Role, RoleChanges, RoleUse
from revenge_core.rbac.errors import (
    PolicyInvalid,
    PolicyNotFound,
    RoleBuiltIn,
    RoleExists,
    RoleInUse,
    RoleInvalid,
    RoleNotFound,
    RolesFull,
)
from revenge_core.rbac.policy import (
    NO_PATTERN,
    ROLE_PERMISSIONS_MAX,
    ROLES_MAX,
    compile_index,
    is_pattern,
    is_role_name,
    new_role_problems,
    permission_problems,
    role_problems,
)
from revenge_core.rbac.ports import RbacTx
from revenge_core.rbac.service.powers import Reach
from revenge_core.uow import UnitOfWork

_AFFIX = "role:"
"""May stand before the name of a policy's subject, and says nothing (rulings R14)."""


class Roles:
    """Roles as rows that are made, changed and deleted.

    All of it happens one after the other, under one lock: so no circle can close, and whoever is judged is judged by
    what roles carry at that moment. Nobody changes a role that may do, or is to do, what they may not.
    """

    def __init__(self, uow: UnitOfWork[RbacTx], activity: Activity, clock: Clock) -> None:
        self._uow = uow
        self._activity = activity
        self._clock = clock

    async def create(self, actor: Actor, new: NewRole) -> CountedRole:
        """Make a role. One without permissions is there, too.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `roles:create`.
            ReauthRequired: the actor's latest proof is too old.
            RoleInvalid: fields break rules, or permissions or parents do not exist; all of them are named.
            RoleExists: there is one of that name, in whatever letters.
            RolesFull: there are too many.
            RoleTooPowerful: it is to carry what the actor may not.
        """
        actor.require(Permission.ROLES_CREATE)
        actor.require_proof(self._clock.now())
        async with self._uow.begin() as tx:
            roles = await tx.roles.lock_all()
            if problems := list(new_role_problems(new, roles)):
                raise RoleInvalid(problems=problems)
            if new.name.lower() in {role.name.lower() for role in roles}:
                raise RoleExists
            if len(roles) >= ROLES_MAX:
                raise RolesFull
            role = Role(
                name=new.name,
                description=new.description,
                parents=frozenset(new.parents),
                permissions=frozenset(new.permissions),
            )
            self._judge(actor, roles, (*roles, role), role.name)
            await tx.roles.add(role, GrantSource.MANUAL)
            await self._note(tx, actor, Action.ROLE_CREATE, role, _differences(None, role))
        return CountedRole(role=role, user_count=0)

    async def change(self, actor: Actor, name: str, changes: RoleChanges, *, version: int | None = None) -> CountedRole:
        """Change what a role is for, and from which it inherits. Nothing happens where all is so already.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `roles:update`.
            ReauthRequired: the actor's latest proof is too old.
            RoleNotFound: there is none.
            RoleBuiltIn: it is `admin`.
            VersionMismatch: it is not at `version`.
            RoleInvalid: fields break rules, or parents do not exist; all of them are named.
            RoleCycle: it would inherit from itself.
            RoleTooPowerful: it carries, or is to carry, what the actor may not.
        """
        async with self._locked(actor, name, version) as (tx, roles, before):
            if problems := list(role_problems(name, changes, roles)):
                raise RoleInvalid(problems=problems)
            after = replace(
                before,
                description=before.description if changes.description is UNSET else changes.description,
                parents=before.parents if changes.parents is UNSET else frozenset(changes.parents),
            )
            return await self._put(tx, actor, roles, before, after, Action.ROLE_UPDATE)

    async def replace_permissions(
        self, actor: Actor, name: str, permissions: tuple[str, ...], *, version: int | None = None
    ) -> CountedRole:
        """Make these all the permissions that a role has of its own. Those that it had before stay whose they were.

        Raises:
            Unauthenticated, Forbidden, ReauthRequired, RoleNotFound, VersionMismatch, RoleTooPowerful: as `change`.
            RoleBuiltIn: it is `admin`, or would be a built-in one without any.
            RoleInvalid: permissions do not exist; all of them are named.
        """
        async with self._locked(actor, name, version) as (tx, roles, before):
            if problems := list(permission_problems(permissions)):
                raise RoleInvalid(problems=problems)
            after = replace(before, permissions=frozenset(permissions))
            return await self._put(tx, actor, roles, before, after, Action.ROLE_PERMISSIONS_CHANGE)

    async def delete(self, actor: Actor, name: str, *, version: int | None = None) -> None:
        """Delete a role that nobody has and nothing needs; invitations to it that let nobody in any more go with it.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `roles:delete`.
            ReauthRequired, RoleNotFound, VersionMismatch, RoleTooPowerful: as `change`.
            RoleBuiltIn: it is built in.
            RoleInUse: users hold it, groups carry it, roles inherit from it, or it is what people are invited to.
        """
        actor.require(Permission.ROLES_DELETE)
        actor.require_proof(self._clock.now())
        async with self._uow.begin() as tx:
            roles = await tx.roles.lock_all()
            role = _named(name, roles)
            if role.built_in:
                raise RoleBuiltIn("A built-in role cannot be deleted")
            if version is not None and version != role.version:
                raise VersionMismatch
            self._judge(actor, roles, roles, name)
            await tx.roles.lock(name)
            if reasons := _reasons_to_keep(await tx.roles.use_of(name, self._clock.now())):
                raise RoleInUse(f"The role is in use ({', '.join(reasons)}); take it away there first")
            await tx.roles.delete(name)
            await self._note(tx, actor, Action.ROLE_DELETE, role, _differences(role, None))

    async def add_policy(self, actor: Actor, subject: str, permission: str) -> Policy:
        """Give a role one more permission. Nothing happens where it has that one of its own, whoever gave it.

        Raises:
            Unauthenticated, Forbidden, ReauthRequired, RoleTooPowerful: as `change`.
            PolicyInvalid: there is no such role or permission; both are named.
            RoleBuiltIn: it is `admin`.
            RoleInvalid: it has too many.
        """
        async with self._edited(actor) as tx:
            roles = await tx.roles.lock_all()
            name = subject.removeprefix(_AFFIX)
            problems = list(_subject_problems(name, roles))
            if not is_pattern(permission):
                problems.append(FieldProblem(pointer="/action", detail=f"and object {NO_PATTERN}"))
            if problems:
                raise PolicyInvalid(problems=problems)
            before = _named(name, roles)
            _refuse_admin(before)
            if permission not in before.permissions:
                after = replace(before, permissions=before.permissions | {permission})
                if len(after.permissions) > ROLE_PERMISSIONS_MAX:
                    raise RoleInvalid(problems=list(permission_problems(tuple(after.permissions))))
                await self._put(tx, actor, roles, before, after, Action.POLICY_ADD)
        return Policy(role=name, permission=permission, source=GrantSource.MANUAL)

    async def remove_policy(self, actor: Actor, subject: str, permission: str) -> None:
        """Take one permission of its own from a role, whoever gave it.

        Raises:
            Unauthenticated, Forbidden, ReauthRequired, RoleTooPowerful: as `change`.
            PolicyInvalid: there is no such role or permission; both are named.
            PolicyNotFound: the role does not have it of its own.
            RoleBuiltIn: it is `admin`, or the last one of a built-in role.
        """
        async with self._edited(actor) as tx:
            roles = await tx.roles.lock_all()
            name = subject.removeprefix(_AFFIX)
            held = next((role.permissions for role in roles if role.name == name), frozenset[str]())
            problems = list(_subject_problems(name, roles))
            if permission not in held and not is_pattern(permission):  # one of a version before can be taken away
                problems.append(FieldProblem(pointer="/action", detail=f"and object {NO_PATTERN}"))
            if problems:
                raise PolicyInvalid(problems=problems)
            before = _named(name, roles)
            _refuse_admin(before)
            if permission not in held:
                raise PolicyNotFound
            after = replace(before, permissions=held - {permission})
            await self._put(tx, actor, roles, before, after, Action.POLICY_REMOVE)

    # Parts

    @asynccontextmanager
    async def _edited(self, actor: Actor) -> AsyncGenerator[RbacTx]:
        """A transaction of somebody who may change roles, if they proved lately who they are."""
        actor.require(Permission.ROLES_UPDATE)
        actor.require_proof(self._clock.now())
        async with self._uow.begin() as tx:
            yield tx

    @asynccontextmanager
    async def _locked(
        self, actor: Actor, name: str, version: int | None
    ) -> AsyncGenerator[tuple[RbacTx, tuple[Role, ...], Role]]:
        """The same, with every role, locked, and the one that is to be changed."""
        async with self._edited(actor) as tx:
            roles = await tx.roles.lock_all()
            role = _named(name, roles)
            _refuse_admin(role)
            if version is not None and version != role.version:
                raise VersionMismatch
            yield tx, roles, role

    async def _put(
        self, tx: RbacTx, actor: Actor, roles: tuple[Role, ...], before: Role, after: Role, action: Action
    ) -> CountedRole:
        """Make one of `roles` what it is to be, if that is something else and the actor may."""
        if after.built_in and not after.permissions:
            raise RoleBuiltIn("A built-in role keeps at least one permission")
        if after != before:
            after = replace(after, version=before.version + 1)
            self._judge(actor, roles, [after if role is before else role for role in roles], after.name)
            await tx.roles.update(after, GrantSource.MANUAL)
            await self._note(tx, actor, action, after, _differences(before, after))
        use = await tx.roles.use_of(after.name, self._clock.now())
        return CountedRole(role=after, user_count=use.holders)

    def _judge(self, actor: Actor, before: Iterable[Role], after: Iterable[Role], name: str) -> None:
        reach = Reach(actor, compile_index(before), self._clock.now())
        reach.check_editing(name, after=compile_index(after))

    async def _note(
        self, tx: RbacTx, actor: Actor, action: Action, role: Role, changes: Mapping[str, FieldChange]
    ) -> None:
        tx.feed.publish(ROLES_CHANGED)
        await self._activity.write(tx, actor, action, resource=Resource(type="role", key=role.name), changes=changes)


def _named(name: str, roles: Iterable[Role]) -> Role:
    for role in roles:
        if role.name == name:
            return role
    raise RoleNotFound


def _refuse_admin(role: Role) -> None:
    if role.name == ADMIN:
        raise RoleBuiltIn("The role admin may do everything, and is never changed")


def _subject_problems(name: str, roles: Iterable[Role]) -> Iterable[FieldProblem]:
    if not is_role_name(name) or name not in {role.name for role in roles}:
        yield FieldProblem(pointer="/subject", detail="must be the name of a role")


def _reasons_to_keep(use: RoleUse) -> list[str]:
    counts = {
        "accounts": use.accounts,
        "groups": use.groups,
        "roles that inherit": use.children,
        "open invitations": use.invitations,
    }
    return [f"{what}: {count}" for what, count in counts.items() if count]


def _differences(before: Role | None, after: Role | None) -> Mapping[str, FieldChange]:
    old, new = _told(before), _told(after)
    names = dict.fromkeys((*old, *new))
    return {
        name: FieldChange(before=old.get(name), after=new.get(name)) for name in names if old.get(name) != new.get(name)
    }


def _told(role: Role | None) -> Mapping[str, str]:
    """What the audit log tells of a role."""
    if role is None:
        return {}
    return {
        "description": role.description,
        "parents": ", ".join(sorted(role.parents)),
        "permissions": ", ".join(sorted(role.permissions)),
    }
