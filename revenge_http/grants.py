"""`/rbac`: who holds which role, and how."""

from uuid import UUID

from msgspec import UNSET, UnsetType

from revenge_core.errors import ReauthRequired
from revenge_core.ids import UserId
from revenge_core.permissions import Permission
from revenge_core.rbac import entities
from revenge_core.rbac.errors import (
    LastAdmin,
    OwnAdmin,
    RoleNotFound,
    RoleNotHeld,
    RoleTooPowerful,
    RoleUnknown,
)
from revenge_core.users.errors import UserNotFound
from revenge_http.access import needs, signed_in
from revenge_http.operations import Call, operation
from revenge_http.paging import DEFAULT_LIMIT, Limit, Offset
from revenge_http.rbac import RoleName
from revenge_http.repeats import Repeats
from revenge_http.wire import Timestamp, Wire, present

_OF_USER = "/api/v1/rbac/users/{userId}/roles"


class Holding(Wire, kw_only=True):
    """One way in which somebody holds a role: given by a source, or in a group that carries it."""

    role: str
    source: str
    """Who gave the role, or put them into the group."""
    since: Timestamp
    given_by: UUID | UnsetType = UNSET
    group_id: UUID | UnsetType = UNSET
    group: str | UnsetType = UNSET

    @classmethod
    def of(cls, holding: entities.Holding) -> "Holding":
        """One of core's."""
        return cls(
            role=holding.role,
            source=holding.source.value,
            since=holding.since,
            given_by=present(holding.given_by),
            group_id=present(holding.group_id),
            group=present(holding.group_name),
        )


class HeldRoles(Wire, kw_only=True):
    """The names of the roles that somebody holds, and in which ways they do."""

    roles: list[str]
    total: int
    holdings: list[Holding]

    @classmethod
    def of(cls, holder: entities.Holder) -> "HeldRoles":
        """All that somebody holds."""
        names = sorted({holding.role for holding in holder.holdings})
        return cls(roles=names, total=len(names), holdings=[Holding.of(one) for one in holder.holdings])


class RoleAssign(Wire, kw_only=True):
    """A role to be given."""

    role: RoleName


class AssignedRoles(Wire, kw_only=True):
    """The names of the roles that somebody holds now."""

    roles: list[str]
    total: int


class Holder(Wire, kw_only=True):
    """Somebody who holds the role, and in which ways they do."""

    user_id: UUID
    username: str
    holdings: list[Holding]

    @classmethod
    def of(cls, holder: entities.Holder) -> "Holder":
        """One of core's."""
        holdings = [Holding.of(one) for one in holder.holdings]
        return cls(user_id=holder.user_id, username=holder.username, holdings=holdings)


class HolderList(Wire, kw_only=True):
    """Some who hold the role, and how many do in all."""

    users: list[Holder]
    total: int


@operation("GET", _OF_USER, "getUserRoles", signed_in(), raises=(UserNotFound,))
async def get_roles(call: Call, user_id: UUID) -> HeldRoles:
    """Which roles somebody holds, and how: one's own, or those of others with the permission to see accounts."""
    return HeldRoles.of(await call.revenge.grants.of(call.actor, UserId(user_id)))


_changes = (UserNotFound, ReauthRequired, RoleTooPowerful)


@operation(
    "POST",
    _OF_USER,
    "assignRole",
    needs(Permission.ROLES_ASSIGN, keys=False),
    status=201,
    raises=(*_changes, RoleUnknown),
    repeats=Repeats.ANSWER,
)
async def assign_role(call: Call, user_id: UUID, body: RoleAssign) -> AssignedRoles:
    """Give somebody a role; nothing happens where an administrator gave it before."""
    held = await call.revenge.grants.assign(call.actor, UserId(user_id), body.role)
    return AssignedRoles(roles=sorted(held), total=len(held))


@operation(
    "DELETE",
    f"{_OF_USER}/{{role}}",
    "removeRole",
    needs(Permission.ROLES_ASSIGN, keys=False),
    raises=(*_changes, RoleNotHeld, LastAdmin, OwnAdmin),
)
async def withdraw_role(call: Call, user_id: UUID, role: str) -> None:
    """Take a role away that somebody was given, whoever gave it; through a group they may hold it still."""
    await call.revenge.grants.withdraw(call.actor, UserId(user_id), role)


@operation(
    "GET", "/api/v1/rbac/roles/{roleName}/users", "listRoleUsers", needs(Permission.ROLES_GET), raises=(RoleNotFound,)
)
async def list_holders(call: Call, role_name: str, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> HolderList:
    """Who holds a role, by user name, and in which ways; it takes the permission to list accounts, too."""
    found = await call.revenge.rbac.holders(call.actor, role_name, limit=limit, offset=offset)
    return HolderList(users=[Holder.of(one) for one in found.holders], total=found.total)


operations = (get_roles, assign_role, withdraw_role, list_holders)
