"""Use cases of roles: what exists, and what roles allow."""

from revenge_core.actor import Actor
from revenge_core.permissions import Permission
from revenge_core.rbac.entities import PermissionIndex, Role
from revenge_core.rbac.ports import RoleReader


class Rbac:
    """Roles and what they allow. Accounts get theirs from `accounts`; editing roles arrives with the access issue."""

    def __init__(self, reader: RoleReader) -> None:
        self._reader = reader

    async def roles(self, actor: Actor) -> tuple[Role, ...]:
        """Every role, by name.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `roles:list`.
        """
        actor.require(Permission.ROLES_LIST)
        return await self._reader.all_roles()

    async def names(self) -> frozenset[str]:
        """What roles there are."""
        return frozenset(role.name for role in await self._reader.all_roles())

    async def index(self) -> PermissionIndex:
        """What every role allows, at this moment."""
        return await self._reader.index()

    async def permissions_of(self, roles: frozenset[str]) -> frozenset[Permission]:
        """What somebody who holds these roles may do, at this moment."""
        return (await self._reader.index()).permissions_of(roles)
