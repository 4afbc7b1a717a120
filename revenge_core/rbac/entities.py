"""Roles, and who holds them."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from revenge_core.entity import Entity
from revenge_core.ids import UserId

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
