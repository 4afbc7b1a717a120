"""Nobody reaches rights that they do not have: neither by handing out roles, nor by changing those who have more."""

from datetime import datetime

from revenge_core.actor import Actor
from revenge_core.clock import Clock
from revenge_core.permissions import ALL_PERMISSIONS, NO_PERMISSIONS, Permission
from revenge_core.rbac.entities import FREELY_GIVEN, PermissionIndex
from revenge_core.rbac.errors import RoleTooPowerful
from revenge_core.rbac.policy import compile_index
from revenge_core.rbac.ports import RbacTx
from revenge_core.rbac.service.rbac import Rbac


class Reach:
    """How far an actor's rights reach over others (ASVS 8.2, 8.3).

    It asks nobody, so it can judge inside a transaction: whoever holds one connection of the pool must not wait for
    another.
    """

    def __init__(self, actor: Actor, index: PermissionIndex, now: datetime) -> None:
        self._actor = actor
        self._index = index
        self._now = now

    def check_giving(self, roles: frozenset[str]) -> None:
        """Whether the actor may let somebody new have these roles; the one of members takes nothing.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `roles:assign`.
            ReauthRequired: the actor's latest proof is too old.
            RoleTooPowerful: a role carries what the actor may not.
        """
        if given := roles - FREELY_GIVEN:
            self.check_exchange(given)

    def check_exchange(self, roles: frozenset[str]) -> None:
        """Whether the actor may give these roles to somebody who has them not, or take them away.

        Raises:
            Unauthenticated, Forbidden, ReauthRequired, RoleTooPowerful: as `check_giving`.
        """
        self._actor.require(Permission.ROLES_ASSIGN)
        self._actor.require_proof(self._now)
        if not self._covers(roles):
            raise RoleTooPowerful

    def check_over(self, roles: frozenset[str]) -> None:
        """Whether the actor may change somebody who holds these roles.

        Raises:
            RoleTooPowerful: they may do what the actor may not.
        """
        if not self._covers(roles):
            raise RoleTooPowerful("This account may do things that you may not, so you cannot change it")

    def check_editing(self, role: str, *, after: PermissionIndex | None = None) -> None:
        """Whether the actor may change what a role carries: all of what it did, and of what it does `after`.

        Raises:
            ReauthRequired: the actor's latest proof is too old.
            RoleTooPowerful: it carries what the actor may not.
        """
        self._actor.require_proof(self._now)
        carried = [index.permissions_of(frozenset({role})) for index in (self._index, after) if index is not None]
        if not self._actor.covers(NO_PERMISSIONS.union(*carried)):
            raise RoleTooPowerful("This role may do things that you may not, so you cannot change it")

    def _covers(self, roles: frozenset[str]) -> bool:
        """A role that the index does not know yet, since it was made a moment ago, may carry anything."""
        carried = self._index.permissions_of(roles) if self._index.knows(roles) else ALL_PERMISSIONS
        return self._actor.covers(carried)


class Powers:
    """What roles allow those who act on others.

    It is read in the transaction that acts, never from a cache: a role that was made stronger a moment ago on another
    server counts, and what is done with it stays done.
    """

    def __init__(self, rbac: Rbac, clock: Clock) -> None:
        self._rbac = rbac
        self._clock = clock

    async def reach(self, tx: RbacTx, actor: Actor) -> Reach:
        """How far the actor's rights reach."""
        return Reach(actor, await self.index(tx), self._clock.now())

    async def unknown(self, roles: frozenset[str]) -> list[str]:
        """Names that no role has, in order."""
        return sorted(roles - await self._rbac.names())

    @staticmethod
    async def index(tx: RbacTx) -> PermissionIndex:
        """What roles allow."""
        return compile_index(await tx.roles.all())
