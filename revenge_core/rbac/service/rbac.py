"""Use cases of those who look at roles, and what roles allow."""

from revenge_core.actor import Actor
from revenge_core.paging import checked_limit, checked_offset
from revenge_core.permissions import Permission
from revenge_core.rbac.entities import CountedRole, HolderPage, PermissionIndex, Policy
from revenge_core.rbac.errors import RoleNotFound
from revenge_core.rbac.policy import is_role_name
from revenge_core.rbac.ports import RoleDirectory, RoleReader


class Rbac:
    """Roles and what they allow. `Roles` changes them, `Grants` and `Groups` say who holds them."""

    def __init__(self, reader: RoleReader, directory: RoleDirectory) -> None:
        self._reader = reader
        self._directory = directory

    async def list(self, actor: Actor) -> tuple[CountedRole, ...]:
        """Every role, by name, and how many users hold it.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `roles:list`.
        """
        actor.require(Permission.ROLES_LIST)
        return await self._directory.roles()

    async def get(self, actor: Actor, name: str) -> CountedRole:
        """One role, and how many users hold it.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `roles:get`.
            RoleNotFound: there is none.
        """
        actor.require(Permission.ROLES_GET)
        found = await self._directory.role(name) if is_role_name(name) else None
        if found is None:
            raise RoleNotFound
        return found

    async def policies(self, actor: Actor) -> tuple[Policy, ...]:
        """Every permission of every role's own, by role and permission.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `roles:list`.
        """
        actor.require(Permission.ROLES_LIST)
        return await self._directory.policies()

    async def permissions(self, actor: Actor) -> tuple[Permission, ...]:
        """Every permission there is, in alphabetical order (decisions A3).

        Raises:
            Unauthenticated, Forbidden: the actor lacks `roles:list`.
        """
        actor.require(Permission.ROLES_LIST)
        return tuple(sorted(Permission))

    async def holders(self, actor: Actor, role: str, *, limit: int = 50, offset: int = 0) -> HolderPage:
        """Who holds a role, by user name, and in which ways. Deleted accounts are left out.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `roles:get` or `users:list`.
            RoleNotFound: there is none.
            Invalid: `limit` is not from 1 to 200, or `offset` not from 0 to a million.
        """
        actor.require(Permission.USERS_LIST)
        limit, offset = checked_limit(limit), checked_offset(offset)
        await self.get(actor, role)
        return await self._directory.holders(role, limit=limit, offset=offset)

    async def names(self) -> frozenset[str]:
        """What roles there are."""
        return frozenset(role.name for role in await self._reader.all_roles())

    async def index(self) -> PermissionIndex:
        """What every role allows, at this moment."""
        return await self._reader.index()

    async def permissions_of(self, roles: frozenset[str]) -> frozenset[Permission]:
        """What somebody who holds these roles may do, at this moment."""
        return (await self._reader.index()).permissions_of(roles)
