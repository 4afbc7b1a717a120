"""Roles, and who holds them."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from revenge_core.entity import Entity
from revenge_core.ids import UserId
from revenge_core.permissions import NO_PERMISSIONS, Permission

ADMIN: Final = "admin"
"""The built-in role that may do everything."""
MEMBER: Final = "user"
"""The built-in role that registering grants (rulings R22)."""


class Role(Entity, kw_only=True):
    """A named set of permissions.

    `permissions` are patterns: a permission's own name, `resource:*`, or `*:*`. A role has its own and those of its
    `parents`, and of theirs.
    """

    name: str
    description: str = ""
    built_in: bool = False
    parents: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()


class GrantSource(StrEnum):
    """Where a user's role came from: what one source granted, another never takes away (decisions A1)."""

    BOOTSTRAP = "bootstrap"
    INVITATION = "invitation"
    MANUAL = "manual"
    REGISTRATION = "registration"


class RoleGrant(Entity, kw_only=True):
    """One user holds one role. `granted_by` is None where no user did it."""

    user_id: UserId
    role: str
    source: GrantSource
    granted_at: datetime
    granted_by: UserId | None = None


_REMEMBERED_ROLE_SETS: Final = 10_000


class PermissionIndex:
    """What every role allows, inheritance and wildcards expanded (decisions A2).

    An answer for a set of roles is remembered, so a decision costs one lookup whatever the number of policies.
    """

    def __init__(self, by_role: Mapping[str, frozenset[Permission]]) -> None:
        self._by_role = dict(by_role)
        self._by_roles: dict[frozenset[str], frozenset[Permission]] = {}

    def permissions_of(self, roles: frozenset[str]) -> frozenset[Permission]:
        """What somebody with these roles may do. Unknown roles carry nothing."""
        known = self._by_roles.get(roles)
        if known is None:
            known = NO_PERMISSIONS.union(*(self._by_role.get(role, NO_PERMISSIONS) for role in roles))
            if len(self._by_roles) < _REMEMBERED_ROLE_SETS:
                self._by_roles[roles] = known
        return known
