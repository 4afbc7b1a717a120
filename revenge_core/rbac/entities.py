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


class NewRole(Entity, kw_only=True):
    """What a role is to be like. Permissions and parents are in the order of the request: refusals point into it."""

    name: str
    description: str = ""
    permissions: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()


class RoleChanges(Entity, kw_only=True):
    """What is to become of a role; what is absent stays. `parents` are all that it then has."""

    description: str | UnsetType = UNSET
    parents: tuple[str, ...] | UnsetType = UNSET


class CountedRole(Entity, kw_only=True):
    """A role, and how many living users hold it, directly or through a group."""

    role: Role
    user_count: int


class RoleUse(Entity, kw_only=True):
    """What would miss a role."""

    holders: int
    """Living users who hold it, directly or through a group."""
    accounts: int
    """Users who were granted it directly, deleted ones included: they may be restored."""
    groups: int
    children: int
    """Roles that inherit from it."""
    invitations: int
    """Those that still let somebody in."""


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


class Policy(Entity, kw_only=True):
    """One permission, or pattern of permissions, of one role, and who put it there."""

    role: str
    permission: str
    source: GrantSource


class RoleGrant(Entity, kw_only=True):
    """One user holds one role, as one source has it. `granted_by` is None where no user did it."""

    user_id: UserId
    role: str
    source: GrantSource
    granted_at: datetime
    granted_by: UserId | None = None


class Holding(Entity, kw_only=True):
    """One way in which somebody holds a role: as a source granted it, or in a group, as a source put them there."""

    user_id: UserId
    role: str
    source: GrantSource
    since: datetime
    given_by: UserId | None
    group_id: GroupId | None
    group_name: str | None


class Holder(Entity, kw_only=True):
    """Somebody, and in which ways they hold the roles that were asked about."""

    user_id: UserId
    username: str
    holdings: tuple[Holding, ...]


class HolderPage(Entity, kw_only=True):
    """Some who hold a role, and how many do in all."""

    holders: tuple[Holder, ...]
    total: int


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


class Belonging(Entity, kw_only=True):
    """A group that somebody is in, as one source has it."""

    group_id: GroupId
    group_name: str
    source: GrantSource
    since: datetime


class Effective(Entity, kw_only=True):
    """What somebody may do at this moment, and what they have it from."""

    holder: Holder
    groups: tuple[Belonging, ...]
    permissions: frozenset[Permission]
    """None of a disabled or deleted account's, whatever it holds."""


class RuleKind(StrEnum):
    """What a rule of an explanation is about."""

    ACCOUNT = "account"
    GRANT = "grant"
    GROUP_ROLE = "group_role"
    INHERITANCE = "inheritance"
    KEY = "key"
    KEY_LIBRARY = "key_library"
    MEMBERSHIP = "membership"
    NO_ROLE = "no_role"
    POLICY = "policy"


class Rule(Entity, kw_only=True):
    """One link in the chain behind a verdict: `subject` has, or lacks, `object`."""

    kind: RuleKind
    subject: str
    object: str
    source: GrantSource | None = None
    """Who made the rule, where that is known."""
    text: str
    """The same for people."""


class Explanation(Entity, kw_only=True):
    """A verdict, and why it is so (decisions A5)."""

    user_id: UserId
    username: str
    permission: Permission
    allowed: bool
    rules: tuple[Rule, ...]
    """For a permission the shortest chain that gives it; for a refusal what stands in the way."""
    held: tuple[str, ...]
    """Roles of the user's that carry the permission, by themselves or by inheritance."""
    carriers: tuple[str, ...]
    """All roles that carry it."""


_REMEMBERED_ROLE_SETS: Final = 10_000


class PermissionIndex:
    """What every role allows, inheritance and wildcards expanded (decisions A2).

    An answer for a set of roles is remembered, so a decision costs one lookup whatever the number of policies.
    """

    def __init__(self, by_role: Mapping[str, frozenset[Permission]]) -> None:
        self._by_role = dict(by_role)
        self._by_roles: dict[frozenset[str], frozenset[Permission]] = {}

    def knows(self, roles: frozenset[str]) -> bool:
        """Whether all of these were there when it was compiled."""
        return roles <= self._by_role.keys()

    def permissions_of(self, roles: frozenset[str]) -> frozenset[Permission]:
        """What somebody with these roles may do. Unknown roles carry nothing."""
        known = self._by_roles.get(roles)
        if known is None:
            known = NO_PERMISSIONS.union(*(self._by_role.get(role, NO_PERMISSIONS) for role in roles))
            if len(self._by_roles) < _REMEMBERED_ROLE_SETS:
                self._by_roles[roles] = known
        return known
