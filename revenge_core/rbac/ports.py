"""What role management needs from outside."""

from collections.abc import Sequence
from typing import Protocol

from revenge_core.ids import UserId
from revenge_core.rbac.entities import PermissionIndex, Role, RoleGrant


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
