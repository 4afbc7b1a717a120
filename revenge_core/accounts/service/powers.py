"""Nobody reaches rights that they do not have: neither by handing out roles, nor by changing those who have more."""

from typing import Final

from revenge_core.actor import Actor
from revenge_core.clock import Clock
from revenge_core.permissions import Permission
from revenge_core.rbac.entities import MEMBER
from revenge_core.rbac.errors import RoleTooPowerful
from revenge_core.rbac.service import Rbac

_FREELY_GIVEN: Final = frozenset({MEMBER})
"""What everybody gets who registers takes no right of its own to give."""


class Powers:
    """What roles allow those who act on others (ASVS 8.2, 8.3)."""

    def __init__(self, rbac: Rbac, clock: Clock) -> None:
        self._rbac = rbac
        self._clock = clock

    async def unknown(self, roles: frozenset[str]) -> list[str]:
        """Names that no role has, in order."""
        return sorted(roles - await self._rbac.names())

    async def check_giving(self, actor: Actor, roles: frozenset[str]) -> None:
        """Whether the actor may let somebody new have these roles; the one of members takes nothing.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `roles:assign`.
            ReauthRequired: the actor's latest proof is too old.
            RoleTooPowerful: a role carries what the actor may not.
        """
        if given := roles - _FREELY_GIVEN:
            await self.check_exchange(actor, given)

    async def check_exchange(self, actor: Actor, roles: frozenset[str]) -> None:
        """Whether the actor may give these roles to somebody who has them not, or take them away.

        Raises:
            Unauthenticated, Forbidden, ReauthRequired, RoleTooPowerful: as `check_giving`.
        """
        actor.require(Permission.ROLES_ASSIGN)
        actor.require_proof(self._clock.now())
        if not await self._cover(actor, roles):
            raise RoleTooPowerful

    async def check_over(self, actor: Actor, roles: frozenset[str]) -> None:
        """Whether the actor may change somebody who holds these roles.

        Raises:
            RoleTooPowerful: they may do what the actor may not.
        """
        if not await self._cover(actor, roles):
            raise RoleTooPowerful("This account may do things that you may not, so you cannot change it")

    async def stand_behind(self, holder: frozenset[str], role: str) -> bool:
        """Whether somebody with the roles `holder` could invite others to `role` at this moment."""
        theirs = await self._rbac.permissions_of(holder)
        needed = {Permission.INVITATIONS_CREATE}
        if role not in _FREELY_GIVEN:
            needed |= {Permission.ROLES_ASSIGN, *await self._rbac.permissions_of(frozenset({role}))}
        return needed <= theirs

    async def _cover(self, actor: Actor, roles: frozenset[str]) -> bool:
        """Whether the actor may do all that the roles allow."""
        return await self._rbac.permissions_of(roles) <= actor.permissions
