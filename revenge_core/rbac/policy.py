"""The built-in roles, and what becomes of roles when it is asked what they allow (rulings R22, decisions A2)."""

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import UNSET, UnsetType

from revenge_core.errors import FieldProblem
from revenge_core.permissions import ALL_PERMISSIONS, NO_PERMISSIONS, Permission
from revenge_core.rbac.entities import ADMIN, MEMBER, PermissionIndex, Role
from revenge_core.rbac.errors import RoleCycle

_GUEST = ("libraries:get", "libraries:list", "movies:get", "movies:list", "playback:stream", "profile:read")
_MEMBER = (
    *_GUEST, "notifications:get", "notifications:list", "playback:progress", "profile:update",
    "requests:create", "requests:get", "requests:list", "settings:user_read", "settings:user_write",
)  # fmt: skip
_MODERATOR = (
    *_MEMBER, "audit:read", "integrations:create", "integrations:delete", "integrations:get", "integrations:list",
    "integrations:sync", "integrations:update", "libraries:create", "libraries:delete", "libraries:scan",
    "libraries:update", "movies:create", "movies:delete", "movies:update", "notifications:create",
    "notifications:delete", "notifications:update", "requests:approve", "requests:delete", "settings:read",
    "users:get", "users:list",
)  # fmt: skip

BUILT_IN_ROLES: Final = (
    Role(name=ADMIN, description="May do everything", built_in=True, permissions=frozenset({"*:*"})),
    Role(name="guest", description="May look and play", built_in=True, permissions=frozenset(_GUEST)),
    Role(name="moderator", description="Looks after content", built_in=True, permissions=frozenset(_MODERATOR)),
    Role(name=MEMBER, description="A member of the household", built_in=True, permissions=frozenset(_MEMBER)),
)


def matching(pattern: str) -> frozenset[Permission]:
    """The permissions that `pattern` stands for; empty if it stands for none."""
    if pattern == "*:*":
        return ALL_PERMISSIONS
    resource, _, action = pattern.partition(":")
    if action == "*":
        return frozenset(known for known in Permission if known.value.partition(":")[0] == resource)
    return frozenset({Permission(pattern)}) if pattern in ALL_PERMISSIONS else NO_PERMISSIONS


def compile_index(roles: Iterable[Role]) -> PermissionIndex:
    """The index over `roles`. A parent that does not exist carries nothing.

    Raises:
        RoleCycle: a role is its own ancestor.
    """
    by_name = {role.name: role for role in roles}
    done: dict[str, frozenset[Permission]] = {}

    def expand(name: str, path: tuple[str, ...]) -> frozenset[Permission]:
        if name in path:
            raise RoleCycle(" → ".join((*path, name)) + ": a role cannot inherit from itself")
        if name not in done:
            role = by_name.get(name)
            own = (matching(pattern) for pattern in role.permissions) if role else ()
            inherited = (expand(parent, (*path, name)) for parent in sorted(role.parents)) if role else ()
            done[name] = NO_PERMISSIONS.union(*own, *inherited)
        return done[name]

    return PermissionIndex({name: expand(name, ()) for name in by_name})


GROUP_NAME_MAX: Final = 64
GROUP_DESCRIPTION_MAX: Final = 256
GROUP_ROLES_MAX: Final = 100
"""In one group."""


def group_problems(
    name: str | UnsetType = UNSET, description: str | UnsetType = UNSET, roles: frozenset[str] | UnsetType = UNSET
) -> Iterator[FieldProblem]:
    """What is wrong with those fields of a group that are given; whether roles exist, the caller asks."""
    if name is not UNSET:
        if not 1 <= len(name) <= GROUP_NAME_MAX:
            yield FieldProblem(pointer="/name", detail=f"must have 1 to {GROUP_NAME_MAX} characters")
        elif name != name.strip() or not name.isprintable():
            yield FieldProblem(
                pointer="/name", detail="must hold letters that can be seen, and no space at either end"
            )
    if description is not UNSET:
        if len(description) > GROUP_DESCRIPTION_MAX:
            detail = f"must have at most {GROUP_DESCRIPTION_MAX} characters"
            yield FieldProblem(pointer="/description", detail=detail)
        elif not description.isprintable():
            yield FieldProblem(pointer="/description", detail="must hold no control characters")
    if roles is not UNSET and len(roles) > GROUP_ROLES_MAX:
        yield FieldProblem(pointer="/roles", detail=f"must be at most {GROUP_ROLES_MAX}")
