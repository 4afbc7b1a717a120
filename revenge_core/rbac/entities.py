"""Roles, and who holds them."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import UNSET, UnsetType

from revenge_core.entity import Entity
from revenge_core.ids import GroupId, UserId
from revenge_core.permissions import NO_PERMISSIONS, Permission

ADMIN: Final = "admin"
"""The built-in role that may do everything."""
MEMBER: Final = "user"
"""The built-in role that registering grants (rulings R22)."""


FREELY_GIVEN: Final = frozenset({MEMBER})
"""What everybody gets who registers takes no right of its own to give."""


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
    version: int = 0
    """Goes on with every change of the role, its parents or its permissions."""


class GrantSource(StrEnum):
    """Where a grant, a membership or a policy came from: what one source gave, another never takes away (decisions A1).

    Administrators are no source: what they take away is gone, whoever gave it.
    """

    BOOTSTRAP = "bootstrap"
    BUILT_IN = "built_in"
    DECLARATIVE = "declarative"
    INVITATION = "invitation"
    MANUAL = "manual"
    OIDC = "oidc"
    REGISTRATION = "registration"


class RoleGrant(Entity, kw_only=True):
    """One user holds one role, as one source has it. `granted_by` is None where no user did it."""

    user_id: UserId
    role: str
    source: GrantSource
    granted_at: datetime
    granted_by: UserId | None = None


class Group(Entity, kw_only=True):
    """Users who carry roles together."""

    id: GroupId
    name: str
    name_key: str
    """In which form names are compared (NFKC, casefolded); unique."""
    description: str = ""
    roles: frozenset[str] = frozenset()
    version: int = 0
    """Goes on with every change of the group or its roles; members come and go without it."""
    created_at: datetime
    updated_at: datetime


class Membership(Entity, kw_only=True):
    """One user is in one group, as one source has it. `added_by` is None where no user did it."""

    group_id: GroupId
    user_id: UserId
    source: GrantSource
    added_at: datetime
    added_by: UserId | None = None


class NewGroup(Entity, kw_only=True):
    """What a group is to be like."""

    name: str
    description: str = ""
    roles: frozenset[str] = frozenset()


class GroupChanges(Entity, kw_only=True):
    """What is to become of a group; what is absent stays. `roles` are all that it then carries."""

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    roles: frozenset[str] | UnsetType = UNSET


class GroupPage(Entity, kw_only=True):
    """Some groups, and how many there are in all."""

    groups: tuple[Group, ...]
    total: int


class Member(Entity, kw_only=True):
    """Somebody who is in a group, and which sources have it so."""

    user_id: UserId
    username: str
    memberships: tuple[Membership, ...]
    """One per source, by its name; never empty."""


class MemberPage(Entity, kw_only=True):
    """Some members, and how many there are in all."""

    members: tuple[Member, ...]
    total: int


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
