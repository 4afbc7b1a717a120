"""What role management needs from outside."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from revenge_core.ids import GroupId, UserId
from revenge_core.rbac.entities import (
    Belonging,
    CountedRole,
    GrantSource,
    Group,
    GroupPage,
    Holder,
    HolderPage,
    MemberPage,
    Membership,
    PermissionIndex,
    Policy,
    Role,
    RoleGrant,
    RoleUse,
)
from revenge_core.users.ports import UsersTx


class RoleStore(Protocol):
    """Roles and grants inside a transaction, reached as `tx.roles`. A new store holds `policy.BUILT_IN_ROLES`."""

    async def lock_all(self) -> tuple[Role, ...]:
        """Every role, by name (code point order), locked.

        Until this transaction ends nobody else makes, changes or deletes one, or locks admins. Granting goes on.
        """
        ...

    async def all(self) -> tuple[Role, ...]:
        """The same, as they are now, without a lock."""
        ...

    async def add(self, role: Role, source: GrantSource) -> None:
        """Keep a new role; its permissions come from `source`. The caller holds the lock of all.

        Raises:
            RoleExists: another has the name, in whatever letters.
        """
        ...

    async def update(self, role: Role, source: GrantSource) -> None:
        """Replace the role of that name with its parents and permissions. The caller holds the lock of all.

        Permissions that are new come from `source`, those that stay from where they came before.
        """
        ...

    async def lock(self, name: str) -> None:
        """Until this transaction ends nobody is given the role or invited to it. The caller holds the lock of all."""
        ...

    async def use_of(self, name: str, at: datetime) -> RoleUse:
        """What has to do with the role at this time."""
        ...

    async def delete(self, name: str) -> None:
        """Forget a role that is not in use; the caller holds its lock.

        Invitations to it that let nobody in any more go with it.
        """
        ...

    async def grant(self, grant: RoleGrant) -> bool:
        """Give the user the role, as this source has it. False if the source did so before: that grant stays.

        Raises:
            RoleNotFound: no such role.
        """
        ...

    async def withdraw(self, user_id: UserId, role: str, source: GrantSource | None = None) -> frozenset[GrantSource]:
        """Take away what `source` granted, or with None what any did; whose grants there were."""
        ...

    async def sync(
        self, user_id: UserId, source: GrantSource, roles: Collection[str], at: datetime
    ) -> tuple[frozenset[str], frozenset[str]]:
        """Make `roles` all that this source grants the user: what it gave, and what it took. Other sources' stay.

        Whoever's roles may hold `admin` then locks the admins before, and the user. `at` is when new ones are granted.

        Raises:
            RoleNotFound: no such role; nothing was changed.
        """
        ...

    async def roles_of(self, user_id: UserId) -> frozenset[str]:
        """Names of the roles that the user holds, directly or through a group; empty for an unknown user."""
        ...

    async def granted_to(self, user_id: UserId) -> frozenset[str]:
        """Names of the roles that the user was given directly, by whatever source."""
        ...

    async def replace_all(self, user_id: UserId, grants: Sequence[RoleGrant]) -> None:
        """Grant the user these roles and no others. Those that were granted already stay as they were granted first.

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

    async def of_user(self, user_id: UserId) -> tuple[Belonging, ...]:
        """Groups that the user is in, by `name_key` and source (code point order); once for each source."""
        ...


class RoleReader(Protocol):
    """Roles outside a transaction."""

    async def all_roles(self) -> tuple[Role, ...]:
        """Every role, by name (code point order)."""
        ...

    async def index(self) -> PermissionIndex:
        """The compiled index over every role, never older than the revocation feed allows."""
        ...


class RoleDirectory(Protocol):
    """Roles, policies and who holds what, for those who look after them; never cached."""

    async def roles(self) -> tuple[CountedRole, ...]:
        """Every role, by name (code point order)."""
        ...

    async def role(self, name: str) -> CountedRole | None:
        """The role, or None."""
        ...

    async def policies(self) -> tuple[Policy, ...]:
        """Every permission of every role's own, by role and permission (code point order)."""
        ...

    async def holders(self, role: str, *, limit: int, offset: int) -> HolderPage:
        """Living users who hold the role, by their normalised names (code point order); each way in which they do.

        Nobody holds a role that does not exist.
        """
        ...

    async def holder(self, user_id: UserId) -> Holder | None:
        """The user, living or deleted, with every role that they hold and how; None if there is none.

        Holdings go by role, direct ones first, then by group and source.
        """
        ...


class RbacTx(UsersTx, Protocol):
    """What managing roles, grants and groups does in one transaction."""

    @property
    def roles(self) -> RoleStore:
        """Roles and grants."""
        ...

    @property
    def groups(self) -> GroupStore:
        """Groups and who is in them."""
        ...
