"""`/rbac`: roles, the policies that they are made of, and what permissions there are."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from revenge_core.errors import ReauthRequired
from revenge_core.permissions import Permission
from revenge_core.rbac import entities
from revenge_core.rbac.errors import (
    PolicyInvalid,
    PolicyNotFound,
    RoleBuiltIn,
    RoleCycle,
    RoleExists,
    RoleInUse,
    RoleInvalid,
    RoleNotFound,
    RolesFull,
    RoleTooPowerful,
)
from revenge_core.rbac.policy import ROLE_DESCRIPTION_MAX, ROLE_PARENTS_MAX, ROLE_PERMISSIONS_MAX
from revenge_http.access import needs
from revenge_http.answers import Made, Tagged
from revenge_http.operations import Call, operation
from revenge_http.repeats import Repeats
from revenge_http.wire import Wire

_ROLES = "/api/v1/rbac/roles"
_ROLE = f"{_ROLES}/{{roleName}}"
_POLICIES = "/api/v1/rbac/policies"

RoleName = Annotated[str, Meta(extra_json_schema={"minLength": 1, "maxLength": 64})]
Description = Annotated[str, Meta(extra_json_schema={"maxLength": ROLE_DESCRIPTION_MAX})]


class PermissionPattern(Wire, kw_only=True):
    """A permission: an action on a resource. `*` stands for every one that there is."""

    resource: str
    action: str

    @classmethod
    def of(cls, pattern: str) -> "PermissionPattern":
        """The two halves of core's pattern."""
        resource, _, action = pattern.partition(":")
        return cls(resource=resource, action=action)

    @property
    def pattern(self) -> str:
        """The same for core."""
        return f"{self.resource}:{self.action}"


Permissions = Annotated[tuple[PermissionPattern, ...], Meta(extra_json_schema={"maxItems": ROLE_PERMISSIONS_MAX})]
Parents = Annotated[tuple[str, ...], Meta(extra_json_schema={"maxItems": ROLE_PARENTS_MAX})]


class RoleDetail(Wire, kw_only=True):
    """A role with its own permissions. It also has those of its `parents`, and of theirs."""

    name: str
    description: str
    permissions: list[PermissionPattern]
    parents: list[str]
    is_built_in: bool
    user_count: int
    """Living users who hold it, directly or through a group."""

    @classmethod
    def of(cls, counted: entities.CountedRole) -> "RoleDetail":
        """A role of core."""
        role = counted.role
        return cls(
            name=role.name,
            description=role.description,
            permissions=[PermissionPattern.of(pattern) for pattern in sorted(role.permissions)],
            parents=sorted(role.parents),
            is_built_in=role.built_in,
            user_count=counted.user_count,
        )


class RoleDetailList(Wire, kw_only=True):
    """Every role, by name."""

    roles: list[RoleDetail]
    total: int


class RoleCreate(Wire, kw_only=True):
    """A role to be made. Without permissions and parents it allows nothing, and is there all the same."""

    name: RoleName
    description: Description = ""
    permissions: Permissions = ()
    parents: Parents = ()

    def new_role(self) -> entities.NewRole:
        """The same for core."""
        permissions = tuple(one.pattern for one in self.permissions)
        return entities.NewRole(
            name=self.name, description=self.description, permissions=permissions, parents=self.parents
        )


class RoleUpdate(Wire, kw_only=True):
    """What to change; what is left out stays. `parents` are all that the role then has."""

    description: Description | UnsetType = UNSET
    parents: Parents | UnsetType = UNSET


class PermissionsReplace(Wire, kw_only=True):
    """All the permissions that a role is to have of its own."""

    permissions: Permissions


class PermissionList(Wire, kw_only=True):
    """Every permission that there is, without wildcards."""

    permissions: list[PermissionPattern]
    total: int


class PolicyRequest(Wire, kw_only=True):
    """One permission of one role. `role:` may stand before the role's name."""

    subject: str
    object: str
    action: str

    @property
    def permission(self) -> str:
        """The pattern for core."""
        return f"{self.object}:{self.action}"


class PolicyInfo(Wire, kw_only=True):
    """One permission that a role has of its own, and where that comes from."""

    subject: str
    object: str
    action: str
    source: str

    @classmethod
    def of(cls, policy: entities.Policy) -> "PolicyInfo":
        """A policy of core."""
        resource, _, action = policy.permission.partition(":")
        return cls(subject=policy.role, object=resource, action=action, source=policy.source.value)


class PolicyList(Wire, kw_only=True):
    """Every policy, by role and permission."""

    policies: list[PolicyInfo]
    total: int


_changes = (ReauthRequired, RoleTooPowerful)


@operation("GET", _ROLES, "listRoles", needs(Permission.ROLES_LIST))
async def list_roles(call: Call) -> RoleDetailList:
    """Every role, by name, and how many users hold it."""
    found = await call.revenge.rbac.list(call.actor)
    return RoleDetailList(roles=[RoleDetail.of(one) for one in found], total=len(found))


@operation(
    "POST",
    _ROLES,
    "createRole",
    needs(Permission.ROLES_CREATE, keys=False),
    status=201,
    raises=(*_changes, RoleInvalid, RoleExists, RolesFull),
    repeats=Repeats.ANSWER,
)
async def create_role(call: Call, body: RoleCreate) -> Made[RoleDetail]:
    """Make a role that may do nothing its maker may not."""
    made = await call.revenge.roles.create(call.actor, body.new_role())
    return Made(RoleDetail.of(made), f"{_ROLES}/{made.role.name}", version=made.role.version)


@operation("GET", _ROLE, "getRole", needs(Permission.ROLES_GET), raises=(RoleNotFound,))
async def get_role(call: Call, role_name: str) -> Tagged[RoleDetail]:
    """One role, and how many users hold it."""
    return _tagged(await call.revenge.rbac.get(call.actor, role_name))


def _tagged(counted: entities.CountedRole) -> Tagged[RoleDetail]:
    return Tagged(RoleDetail.of(counted), counted.role.version)


_edits = (RoleNotFound, RoleBuiltIn, RoleInvalid, *_changes)


@operation("PATCH", _ROLE, "updateRole", needs(Permission.ROLES_UPDATE, keys=False), raises=(*_edits, RoleCycle))
async def update_role(call: Call, role_name: str, body: RoleUpdate) -> Tagged[RoleDetail]:
    """Change what a role is for, and from which roles it inherits."""
    changes = entities.RoleChanges(description=body.description, parents=body.parents)
    return _tagged(await call.revenge.roles.change(call.actor, role_name, changes, version=call.version))


@operation(
    "PUT", f"{_ROLE}/permissions", "updateRolePermissions", needs(Permission.ROLES_UPDATE, keys=False), raises=_edits
)
async def replace_permissions(call: Call, role_name: str, body: PermissionsReplace) -> Tagged[RoleDetail]:
    """Replace all the permissions that a role has of its own."""
    patterns = tuple(one.pattern for one in body.permissions)
    return _tagged(await call.revenge.roles.replace_permissions(call.actor, role_name, patterns, version=call.version))


@operation(
    "DELETE",
    _ROLE,
    "deleteRole",
    needs(Permission.ROLES_DELETE, keys=False),
    raises=(RoleNotFound, RoleBuiltIn, RoleInUse, *_changes),
    versioned=True,
)
async def delete_role(call: Call, role_name: str) -> None:
    """Delete a role that is not built in, that nobody holds and nothing needs."""
    await call.revenge.roles.delete(call.actor, role_name, version=call.version)


@operation("GET", "/api/v1/rbac/permissions", "listPermissions", needs(Permission.ROLES_LIST))
async def list_permissions(call: Call) -> PermissionList:
    """Every permission that there is."""
    found = await call.revenge.rbac.permissions(call.actor)
    return PermissionList(permissions=[PermissionPattern.of(one.value) for one in found], total=len(found))


@operation("GET", _POLICIES, "listPolicies", needs(Permission.ROLES_LIST))
async def list_policies(call: Call) -> PolicyList:
    """Every permission that a role has of its own, by role and permission."""
    found = await call.revenge.rbac.policies(call.actor)
    return PolicyList(policies=[PolicyInfo.of(one) for one in found], total=len(found))


@operation(
    "POST",
    _POLICIES,
    "addPolicy",
    needs(Permission.ROLES_UPDATE, keys=False),
    status=201,
    raises=(*_changes, PolicyInvalid, RoleBuiltIn, RoleInvalid),
    repeats=Repeats.ANSWER,
)
async def add_policy(call: Call, body: PolicyRequest) -> PolicyInfo:
    """Give a role one more permission; nothing happens where it has that one of its own."""
    return PolicyInfo.of(await call.revenge.roles.add_policy(call.actor, body.subject, body.permission))


@operation(
    "DELETE",
    _POLICIES,
    "removePolicy",
    needs(Permission.ROLES_UPDATE, keys=False),
    raises=(*_changes, PolicyInvalid, PolicyNotFound, RoleBuiltIn),
)
async def remove_policy(call: Call, body: PolicyRequest) -> None:
    """Take one permission of its own from a role."""
    await call.revenge.roles.remove_policy(call.actor, body.subject, body.permission)


operations = (
    list_roles,
    create_role,
    get_role,
    update_role,
    replace_permissions,
    delete_role,
    list_permissions,
    list_policies,
    add_policy,
    remove_policy,
)
