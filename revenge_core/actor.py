"""Who acts. Every use case takes an `Actor` first: HTTP, CLI, jobs and embedding programs alike."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from revenge_core.entity import Entity
from revenge_core.errors import Forbidden, ReauthRequired, Unauthenticated
from revenge_core.ids import SessionId, UserId
from revenge_core.permissions import ALL_PERMISSIONS, NO_PERMISSIONS, Permission


class ActorKind(StrEnum):
    """How the actor came in; written into every audit entry."""

    ANONYMOUS = "anonymous"
    HOST = "host"
    SYSTEM = "system"
    USER = "user"


class Origin(Entity, kw_only=True):
    """Where a call came from, as far as it can be known: address after the trusted proxies, agent, request id."""

    address: str | None = None
    user_agent: str | None = None
    request_id: str | None = None


NOWHERE = Origin()


class Actor(Entity, kw_only=True):
    """Who acts, with the rights held at this moment.

    `permissions` is already expanded: no wildcards. An actor is made anew for every request and never stored.
    """

    kind: ActorKind
    user_id: UserId | None = None
    session_id: SessionId | None = None
    roles: frozenset[str] = frozenset()
    permissions: frozenset[Permission] = NO_PERMISSIONS
    proven_until: datetime | None = None
    """Until when the latest proof of who this is counts as recent; None where nothing was proven (decisions W12)."""
    origin: Origin = NOWHERE

    @classmethod
    def anonymous(cls, origin: Origin = NOWHERE) -> Self:
        """Somebody without a credential."""
        return cls(kind=ActorKind.ANONYMOUS, origin=origin)

    @classmethod
    def host(cls, origin: Origin = NOWHERE) -> Self:
        """Whoever runs commands on the server itself: may do everything, and is audited (rulings R24)."""
        return cls(kind=ActorKind.HOST, permissions=ALL_PERMISSIONS, origin=origin)

    @classmethod
    def system(cls, origin: Origin = NOWHERE) -> Self:
        """Revenge itself: start-up, housekeeping, jobs."""
        return cls(kind=ActorKind.SYSTEM, permissions=ALL_PERMISSIONS, origin=origin)

    def may(self, permission: Permission) -> bool:
        """Whether the actor holds this kind of act; says nothing yet about whose object it is."""
        return permission in self.permissions

    def require(self, permission: Permission) -> None:
        """Refuse an actor who may not do this kind of act.

        Raises:
            Unauthenticated: nobody is signed in.
            Forbidden: the signed-in user lacks the permission.
        """
        if permission in self.permissions:
            return
        if self.kind is ActorKind.ANONYMOUS:
            raise Unauthenticated
        message = f"This needs the permission {permission.value}; ask an administrator for a role that has it"
        raise Forbidden(message)

    def require_user(self) -> UserId:
        """The signed-in user.

        Raises:
            Unauthenticated: the actor is not a user.
        """
        if self.user_id is None:
            raise Unauthenticated
        return self.user_id

    def require_proof(self, now: datetime) -> None:
        """Refuse a user who did not prove lately who they are. The host's shell and Revenge itself need not (R24).

        Raises:
            Unauthenticated: nobody is signed in.
            ReauthRequired: the latest proof is too old.
        """
        if self.kind in {ActorKind.HOST, ActorKind.SYSTEM}:
            return
        self.require_user()
        if self.proven_until is None or now >= self.proven_until:
            raise ReauthRequired
