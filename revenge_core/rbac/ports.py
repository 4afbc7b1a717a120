"""What role management needs from outside."""

from collections.abc import Sequence
from typing import Protocol

from revenge_core.ids import GroupId, UserId
from revenge_core.rbac.entities import (
    GrantSource,
    Group,
    GroupPage,
    MemberPage,
    Membership,
    PermissionIndex,
    Role,
    RoleGrant,
)
from revenge_core.users.ports import UsersTx


class RoleStore(Protocol):
    """Roles and grants inside a transaction, reached as `tx.roles`. A new store holds `policy.BUILT_IN_ROLES`."""

    async def grant(self, grant: RoleGrant) -> None:
        """Give the user the role; one that is held already stays as it was granted first.

        Raises:
            RoleNotFound: no such role.
        """
        ...

    async def roles_of(self, user_id: UserId) -> frozenset[str]:
        """Names of the roles granted directly; empty for an unknown user."""
        ...

    async def replace_all(self, user_id: UserId, grants: Sequence[RoleGrant]) -> None:
        """Give the user these roles and no others. Those that are held already stay as they were granted first.

        Raises:
            RoleNotFound: no such role; nothing was changed.
        """
        ...

    async def lock_admins(self) -> frozenset[UserId]:
        """Living, active users who hold the role `admin`; until this transaction ends nobody else locks them.

        Whoever makes one of them fewer calls it first, before any user is locked (decisions I1).
        """
        ...

    async def has_enabled_admin(self) -> bool:
        """Whether a living, active user holds the role `admin`."""
        ...


class GroupStore(Protocol):
    """Groups inside a transaction, reached as `tx.groups`."""

    async def add(self, group: Group) -> None:
        """Keep a new group.

        Raises:
            GroupNameTaken: another group has `name_key`.
            RoleNotFound: no such role; nothing was kept.
        """
        ...

    async def lock(self, group_id: GroupId) -> Group | None:
        """The group, which no other transaction changes or deletes until this one ends. None if there is none."""
        ...

    async def update(self, group: Group) -> None:
        """Replace the group that has `group.id`, and what it carries; the caller holds its lock.

        Raises:
            GroupNameTaken, RoleNotFound: as `add`.
        """
        ...

    async def delete(self, group_id: GroupId) -> None:
        """Forget the group and who is in it; the caller holds its lock."""
        ...

    async def add_member(self, membership: Membership) -> bool:
        """Put the user into the group, as this source has it. False if the source did so before: nothing changes."""
        ...

    async def remove_member(self, group_id: GroupId, user_id: UserId, source: GrantSource | None = None) -> bool:
        """Take away what `source` added, or with None what any did. False if that was nothing."""
        ...

    async def carrying(self, role: str) -> tuple[GroupId, ...]:
        """Groups that carry the role, in order; whoever deletes the role holds its lock."""
        ...


class GroupReader(Protocol):
    """Groups outside a transaction; never cached."""

    async def by_id(self, group_id: GroupId) -> Group | None:
        """The group, or None."""
        ...

    async def find(self, *, limit: int, offset: int) -> GroupPage:
        """All groups by `name_key` (code point order)."""
        ...

    async def members(self, group_id: GroupId, *, limit: int, offset: int) -> MemberPage:
        """Who is in the group and lives, by the normalised user name (code point order); none if there is none."""
        ...


class RoleReader(Protocol):
    """Roles outside a transaction."""

    async def all_roles(self) -> tuple[Role, ...]:
        """Every role, by name (code point order)."""
        ...

    async def index(self) -> PermissionIndex:
        """The compiled index over every role, never older than the revocation feed allows."""
        ...


class RbacTx(Protocol):
    """A transaction that knows roles."""

    @property
    def roles(self) -> RoleStore:
        """Roles and grants."""
        ...

    @property
    def groups(self) -> GroupStore:
        """Groups and who is in them."""
        ...


class GroupsTx(RbacTx, UsersTx, Protocol):
    """What managing groups does in one transaction."""
