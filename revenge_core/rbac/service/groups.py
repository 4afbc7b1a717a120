"""Use cases of groups: people who carry roles together."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from revenge_core.activity.entities import Action, FieldChange, Resource
from revenge_core.activity.service import Activity
from revenge_core.actor import Actor
from revenge_core.clock import Clock
from revenge_core.errors import FieldProblem, VersionMismatch
from revenge_core.feed import Change
from revenge_core.ids import GroupId, Ids, UserId
from revenge_core.paging import checked_limit, checked_offset
from revenge_core.permissions import Permission
from revenge_core.rbac.entities import (
    ADMIN,
    GrantSource,
    Group,
    GroupChanges,
    GroupPage,
    MemberPage,
    Membership,
    NewGroup,
    PermissionIndex,
)
from revenge_core.rbac.errors import GroupInvalid, GroupNotFound, LastAdmin, MemberNotFound, OwnAdmin
from revenge_core.rbac.policy import compile_index, group_problems
from revenge_core.rbac.ports import GroupReader, RbacTx
from revenge_core.rbac.service.powers import Reach
from revenge_core.uow import UnitOfWork
from revenge_core.users.entities import User
from revenge_core.users.errors import UserNotFound
from revenge_core.users.service import Users


class Groups:
    """Groups of users. Whoever is in one holds the roles that it carries, as long as they are in it.

    To put somebody into a group is to hand out its roles, and to change what it carries does so to all who are in it:
    every change takes a recent proof, and of a group that carries roles all that giving and taking them takes.
    """

    def __init__(
        self, uow: UnitOfWork[RbacTx], reader: GroupReader, activity: Activity, clock: Clock, ids: Ids
    ) -> None:
        self._uow = uow
        self._reader = reader
        self._activity = activity
        self._clock = clock
        self._ids = ids

    async def list(self, actor: Actor, *, limit: int = 50, offset: int = 0) -> GroupPage:
        """Groups, by name.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `groups:list`.
            Invalid: `limit` is not from 1 to 200, or `offset` not from 0 to a million.
        """
        actor.require(Permission.GROUPS_LIST)
        return await self._reader.find(limit=checked_limit(limit), offset=checked_offset(offset))

    async def get(self, actor: Actor, group_id: GroupId) -> Group:
        """One group.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `groups:get`.
            GroupNotFound: there is none.
        """
        actor.require(Permission.GROUPS_GET)
        group = await self._reader.by_id(group_id)
        if group is None:
            raise GroupNotFound
        return group

    async def members(self, actor: Actor, group_id: GroupId, *, limit: int = 50, offset: int = 0) -> MemberPage:
        """Who is in the group, by user name, and who put them there. Deleted accounts are left out.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `groups:get`.
            GroupNotFound: there is none.
            Invalid: as `list`.
        """
        limit, offset = checked_limit(limit), checked_offset(offset)
        await self.get(actor, group_id)
        return await self._reader.members(group_id, limit=limit, offset=offset)

    async def create(self, actor: Actor, new: NewGroup) -> Group:
        """Make a group that nobody is in yet.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `groups:create`, or `roles:assign` where it carries roles.
            ReauthRequired: the actor's latest proof is too old.
            RoleTooPowerful: a role carries what the actor may not.
            GroupInvalid: fields break rules, or roles do not exist; all of them are named.
            GroupNameTaken: another group has the name.
            RoleNotFound: a role was deleted at this very moment.
        """
        self._require(actor, Permission.GROUPS_CREATE)
        problems = list(group_problems(new.name, new.description, new.roles))
        now = self._clock.now()
        group = Group(
            id=GroupId(self._ids.new()),
            name=new.name,
            name_key=Users.key_of(new.name),
            description=new.description,
            roles=new.roles,
            created_at=now,
            updated_at=now,
        )
        async with self._uow.begin() as tx:
            index = compile_index(await tx.roles.all())
            _check_fields(problems, index, new.roles)
            _check_exchange(Reach(actor, index, now), new.roles)
            await tx.groups.add(group)
            await self._audit(tx, actor, Action.GROUP_CREATE, group, _differences(None, group))
        return group

    async def change(
        self, actor: Actor, group_id: GroupId, changes: GroupChanges, *, version: int | None = None
    ) -> Group:
        """Change a group; what it carries from now on, all who are in it hold at once.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `groups:update`, or `roles:assign` where it carries roles.
            ReauthRequired: the actor's latest proof is too old.
            RoleTooPowerful: what the group carries, or is to carry, may do what the actor may not.
            GroupNotFound: there is none.
            VersionMismatch: it is not at `version`.
            GroupInvalid, GroupNameTaken, RoleNotFound: as `create`.
            LastAdmin: nobody else could administer the server.
            OwnAdmin: the actor would take the role `admin` from themselves.
        """
        self._require(actor, Permission.GROUPS_UPDATE)
        problems = list(group_problems(changes.name, changes.description, changes.roles))
        ends_admins = changes.roles is not UNSET
        async with self._locked(actor, group_id, version, may_end_admins=ends_admins) as (tx, reach, index, before):
            _check_fields(problems, index, changes.roles)
            after = replace(
                before,
                name=before.name if changes.name is UNSET else changes.name,
                name_key=before.name_key if changes.name is UNSET else Users.key_of(changes.name),
                description=before.description if changes.description is UNSET else changes.description,
                roles=before.roles if changes.roles is UNSET else changes.roles,
            )
            if after == before:
                return before
            _check_exchange(reach, after.roles)
            after = replace(after, version=before.version + 1, updated_at=self._clock.now())
            await tx.groups.update(after)
            tx.feed.publish(Change.of_group(group_id))
            await self._audit(tx, actor, Action.GROUP_UPDATE, after, _differences(before, after))
        return after

    async def delete(self, actor: Actor, group_id: GroupId, *, version: int | None = None) -> None:
        """Delete a group: whoever was in it holds its roles no longer, unless they have them from elsewhere.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `groups:delete`, or `roles:assign` where it carries roles.
            ReauthRequired, RoleTooPowerful, GroupNotFound, VersionMismatch, LastAdmin, OwnAdmin: as `change`.
        """
        self._require(actor, Permission.GROUPS_DELETE)
        async with self._locked(actor, group_id, version, may_end_admins=True) as (tx, _, _, group):
            await tx.groups.delete(group_id)
            tx.feed.publish(Change.of_group(group_id))
            await self._audit(tx, actor, Action.GROUP_DELETE, group, _differences(group, None))

    async def add_member(self, actor: Actor, group_id: GroupId, user_id: UserId) -> None:
        """Put somebody into a group. Nothing happens where an administrator did so before.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `groups:update`, or `roles:assign` where it carries roles.
            ReauthRequired: the actor's latest proof is too old.
            RoleTooPowerful: the group or the account may do what the actor may not.
            GroupNotFound, UserNotFound: there is none.
        """
        self._require(actor, Permission.GROUPS_UPDATE)
        async with self._locked(actor, group_id) as (tx, reach, _, group):
            user = await self._lock_user(tx, reach, user_id)
            membership = Membership(
                group_id=group_id,
                user_id=user_id,
                source=GrantSource.MANUAL,
                added_at=self._clock.now(),
                added_by=actor.user_id,
            )
            if await tx.groups.add_member(membership):
                await self._renew(tx, user)
                joined = {"member": FieldChange(after=str(user_id)), "source": FieldChange(after=membership.source)}
                await self._audit(tx, actor, Action.GROUP_MEMBER_ADD, group, joined)

    async def remove_member(self, actor: Actor, group_id: GroupId, user_id: UserId) -> None:
        """Take somebody out of a group, whoever put them there: an administrator's word ends what sources said.

        Raises:
            Unauthenticated, Forbidden, ReauthRequired, RoleTooPowerful, GroupNotFound, UserNotFound: as `add_member`.
            MemberNotFound: they are not in it.
            LastAdmin, OwnAdmin: as `change`.
        """
        self._require(actor, Permission.GROUPS_UPDATE)
        async with self._locked(actor, group_id, may_end_admins=True) as (tx, reach, _, group):
            user = await self._lock_user(tx, reach, user_id)
            if not await tx.groups.remove_member(group_id, user_id):
                raise MemberNotFound
            await self._renew(tx, user)
            left = {"member": FieldChange(before=str(user_id))}
            await self._audit(tx, actor, Action.GROUP_MEMBER_REMOVE, group, left)

    def _require(self, actor: Actor, permission: Permission) -> None:
        """Refuse who may not change groups of any kind.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `permission`.
            KeyRefused: it is an API key, which proves nothing about who holds it.
            ReauthRequired: the actor's latest proof is too old.
        """
        actor.require(permission)
        actor.require_proof(self._clock.now())

    @asynccontextmanager
    async def _locked(
        self, actor: Actor, group_id: GroupId, version: int | None = None, *, may_end_admins: bool = False
    ) -> AsyncGenerator[tuple[RbacTx, Reach, PermissionIndex, Group]]:
        """A transaction that holds the group's lock; the actor may change what it carries.

        What roles carry is read in the transaction: one that was made a moment ago on another server counts. Where the
        change could leave nobody who administers, all admins are locked before, and counted once it is done.
        """
        async with self._uow.begin() as tx:
            admins = await tx.roles.lock_admins() if may_end_admins else frozenset[UserId]()
            group = await tx.groups.lock(group_id)
            if group is None:
                raise GroupNotFound
            index = compile_index(await tx.roles.all())
            reach = Reach(actor, index, self._clock.now())
            _check_exchange(reach, group.roles)
            if version is not None and version != group.version:
                raise VersionMismatch
            yield tx, reach, index, group
            if admins and not await tx.roles.has_enabled_admin():
                raise LastAdmin
            own = actor.user_id
            if own is not None and own in admins and ADMIN not in await tx.roles.roles_of(own):
                raise OwnAdmin

    @staticmethod
    async def _lock_user(tx: RbacTx, reach: Reach, user_id: UserId) -> User:
        """The account, locked, which the actor may change.

        Raises:
            UserNotFound: there is none, or it is deleted.
            RoleTooPowerful: it may do what the actor may not.
        """
        user = await tx.users.lock(user_id)
        if user is None:
            raise UserNotFound
        reach.check_over(await tx.roles.roles_of(user_id))
        return user

    async def _renew(self, tx: RbacTx, user: User) -> None:
        """Whoever looked at the account saw its roles: it is another version of it now."""
        await tx.users.update(replace(user, version=user.version + 1, updated_at=self._clock.now()))
        tx.feed.publish(Change.of_user(user.id))

    async def _audit(
        self, tx: RbacTx, actor: Actor, action: Action, group: Group, changes: Mapping[str, FieldChange]
    ) -> None:
        resource = Resource(type="group", id=group.id, key=group.name)
        await self._activity.write(tx, actor, action, resource=resource, changes=changes)


def _check_fields(problems: list[FieldProblem], index: PermissionIndex, roles: frozenset[str] | UnsetType) -> None:
    """Raise what is wrong with the fields, roles that do not exist included.

    Raises:
        GroupInvalid: something is; all of it is named.
    """
    asked = frozenset[str]() if roles is UNSET else roles
    if unknown := sorted(role for role in asked if not index.knows(frozenset({role}))):
        detail = f"there is no role {', '.join(unknown)[:200]!r}"
        problems = [*problems, FieldProblem(pointer="/roles", detail=detail)]
    if problems:
        raise GroupInvalid(problems=problems)


def _check_exchange(reach: Reach, roles: frozenset[str]) -> None:
    """Whether the actor may give these roles to people and take them away; none takes nothing."""
    if roles:
        reach.check_exchange(roles)


def _differences(before: Group | None, after: Group | None) -> Mapping[str, FieldChange]:
    old, new = _told(before), _told(after)
    return {
        name: FieldChange(before=old.get(name), after=new.get(name))
        for name in (*old, *(new.keys() - old.keys()))
        if old.get(name) != new.get(name)
    }


def _told(group: Group | None) -> Mapping[str, str]:
    """What the audit log tells of a group."""
    if group is None:
        return {}
    return {"name": group.name, "description": group.description, "roles": ", ".join(sorted(group.roles))}
