"""The built-in roles, and what becomes of roles when it is asked what they allow (rulings R22, decisions A2)."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

from msgspec import UNSET, UnsetType

from revenge_core.errors import FieldProblem
from revenge_core.permissions import ALL_PERMISSIONS, NO_PERMISSIONS, Permission
from revenge_core.rbac.entities import ADMIN, MEMBER, NewRole, PermissionIndex, Role, RoleChanges
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


@lru_cache(maxsize=4096)
def matching(pattern: str) -> frozenset[Permission]:
    """The permissions that `pattern` stands for, where each half may be `*`; empty if it stands for none."""
    resource, _, action = pattern.partition(":")
    if "*" not in {resource, action}:
        return frozenset({Permission(pattern)}) if pattern in ALL_PERMISSIONS else NO_PERMISSIONS
    return frozenset(known for known in Permission if _fits(known, resource, action))


def _fits(permission: Permission, resource: str, action: str) -> bool:
    its_resource, its_action = permission.value.split(":")
    return resource in {"*", its_resource} and action in {"*", its_action}


def compile_index(roles: Iterable[Role]) -> PermissionIndex:
    """The index over `roles`. A parent that does not exist carries nothing.

    Raises:
        RoleCycle: a role is its own ancestor.
    """
    by_name = {role.name: role for role in roles}
    done: dict[str, frozenset[Permission]] = {}
    for start in by_name.values():
        # No recursion: a line of heirs may be longer than Python's stack.
        path: dict[str, list[str]] = {}
        """Each role on the way from `start`, and which of its parents are to be looked at yet."""
        _step_into(path, start, done)
        while path:
            name = next(reversed(path))
            if path[name]:
                parent = by_name.get(path[name].pop())
                if parent is not None:
                    _step_into(path, parent, done)
                continue
            del path[name]
            role = by_name[name]
            own = (matching(pattern) for pattern in role.permissions)
            inherited = (done.get(parent, NO_PERMISSIONS) for parent in role.parents)
            done[name] = NO_PERMISSIONS.union(*own, *inherited)
    return PermissionIndex(done)


def _step_into(path: dict[str, list[str]], role: Role, done: Mapping[str, frozenset[Permission]]) -> None:
    if role.name in path:
        way = [*path][[*path].index(role.name) :]
        raise RoleCycle(" → ".join((*way, role.name)) + ": a role cannot inherit from itself")
    if role.name not in done:
        path[role.name] = sorted(role.parents, reverse=True)


ROLE_DESCRIPTION_MAX: Final = 256
ROLE_PERMISSIONS_MAX: Final = 200
"""Patterns of one role."""
ROLE_PARENTS_MAX: Final = 20
"""Of one role."""
ROLES_MAX: Final = 500

_ROLE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")


def is_role_name(name: str) -> bool:
    """Whether a role may be called so. Nothing else needs to be looked for."""
    return _ROLE_NAME.match(name) is not None


def new_role_problems(new: NewRole, roles: Sequence[Role]) -> Iterator[FieldProblem]:
    """What is wrong with a role that is to join `roles`; nothing if it is good."""
    if not is_role_name(new.name):
        detail = "must have 1 to 64 ASCII letters, digits, '.', '_' or '-', and begin with a letter or digit"
        yield FieldProblem(pointer="/name", detail=detail)
    yield from role_problems(new.name, RoleChanges(description=new.description, parents=new.parents), roles)
    yield from permission_problems(new.permissions)


def role_problems(name: str, changes: RoleChanges, roles: Sequence[Role]) -> Iterator[FieldProblem]:
    """What is wrong with changes to the role of that name, one of `roles` or about to be; nothing if they are good.

    Whether a circle would come of them, `compile_index` finds out.
    """
    if changes.description is not UNSET and not _is_description(changes.description):
        detail = f"must have at most {ROLE_DESCRIPTION_MAX} characters, none that control"
        yield FieldProblem(pointer="/description", detail=detail)
    if changes.parents is UNSET:
        return
    if len(changes.parents) > ROLE_PARENTS_MAX:
        yield FieldProblem(pointer="/parents", detail=f"must be at most {ROLE_PARENTS_MAX}")
        return
    names = {role.name for role in roles}
    for index, parent in enumerate(changes.parents):
        if parent == ADMIN:
            yield FieldProblem(pointer=f"/parents/{index}", detail="cannot be admin: nobody inherits from that role")
        elif parent == name:
            yield FieldProblem(pointer=f"/parents/{index}", detail="cannot be the role itself")
        elif parent not in names:
            yield FieldProblem(pointer=f"/parents/{index}", detail="must be the name of a role")


def permission_problems(permissions: Sequence[str]) -> Iterator[FieldProblem]:
    """What is wrong with the patterns of a role; nothing if they are good."""
    if len(permissions) > ROLE_PERMISSIONS_MAX:
        yield FieldProblem(pointer="/permissions", detail=f"must be at most {ROLE_PERMISSIONS_MAX}")
        return
    for index, pattern in enumerate(permissions):
        if not is_pattern(pattern):
            yield FieldProblem(pointer=f"/permissions/{index}", detail=NO_PATTERN)


NO_PATTERN: Final = "must be a permission that exists, or stand for some with * for its resource, its action or both"
_PATTERN_MAX: Final = 64
"""Longer than any permission: nothing longer is looked at."""


def is_pattern(text: str) -> bool:
    """Whether it stands for at least one permission."""
    return len(text) <= _PATTERN_MAX and bool(matching(text))


def _is_description(text: str) -> bool:
    return len(text) <= ROLE_DESCRIPTION_MAX and text.isprintable()


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
            yield FieldProblem(pointer="/name", detail="must hold letters that can be seen, and no space at either end")
    if description is not UNSET:
        if len(description) > GROUP_DESCRIPTION_MAX:
            detail = f"must have at most {GROUP_DESCRIPTION_MAX} characters"
            yield FieldProblem(pointer="/description", detail=detail)
        elif not description.isprintable():
            yield FieldProblem(pointer="/description", detail="must hold no control characters")
    if roles is not UNSET and len(roles) > GROUP_ROLES_MAX:
        yield FieldProblem(pointer="/roles", detail=f"must be at most {GROUP_ROLES_MAX}")
