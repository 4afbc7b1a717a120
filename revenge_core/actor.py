"""Who acts. Every use case takes an `Actor` first: HTTP, CLI, jobs and embedding programs alike."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol, Self
from uuid import UUID

from revenge_core.entity import Entity
from revenge_core.errors import Forbidden, KeyRefused, KeyScopeLacking, ReauthRequired, Unauthenticated
from revenge_core.ids import KeyId, SessionId, UserId
from revenge_core.permissions import ALL_PERMISSIONS, NO_PERMISSIONS, Permission


class ActorKind(StrEnum):
    """How the actor came in; written into every audit entry."""

    ANONYMOUS = "anonymous"
    API_KEY = "api_key"
    HOST = "host"
    SYSTEM = "system"
    USER = "user"


class Origin(Entity, kw_only=True):
    """Where a call came from, as far as it can be known: address after the trusted proxies, agent, request id."""

    address: str | None = None
    user_agent: str | None = None
    request_id: str | None = None


NOWHERE = Origin()


OWN_READ: Final = "own:read"
"""What an API key needs to read its owner's own things. Whoever signs in may, so no role carries it (rulings R13)."""
OWN_WRITE: Final = "own:write"
"""What an API key needs to change its owner's own things."""
OWN_RIGHTS: Final = frozenset({OWN_READ, OWN_WRITE})


class UseRecorder(Protocol):
    """Whoever writes down what an API key in recording mode made use of."""

    def used(self, key_id: KeyId, rights: Iterable[str]) -> None:
        """The key was let through by these: names of permissions, `own:read`, `own:write`. It must not block."""
        ...


class KeyUse(Entity, kw_only=True):
    """The API key that an actor came with, as far as it narrows what its owner may do (decisions A4)."""

    id: KeyId
    reads_own: bool
    """Whether it may do what anybody signed in may, where that changes nothing."""
    writes_own: bool
    """Whether it may change what is its owner's own."""
    libraries: frozenset[UUID] | None = None
    """The only libraries that it reaches; None for all that its owner does."""
    rate_limit: int | None = None
    """Requests per minute; None for no limit of its own. The edge counts (decisions W5)."""
    recorder: UseRecorder | None = None
    """Where it is being found out what the key needs."""


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
    key: KeyUse | None = None
    """The API key that was presented instead of a session. `permissions` are already narrowed to what it may."""
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
        holds = permission in self.permissions
        if holds and self.key is not None:
            self._record(permission.value)
        return holds

    def require(self, permission: Permission) -> None:
        """Refuse an actor who may not do this kind of act.

        Raises:
            Unauthenticated: nobody is signed in.
            Forbidden: the signed-in user lacks the permission, or the API key does.
        """
        if permission in self.permissions:
            if self.key is not None:
                self._record(permission.value)
            return
        if self.kind is ActorKind.ANONYMOUS:
            raise Unauthenticated
        message = f"This needs the permission {permission.value}; ask an administrator for a role that has it"
        if self.key is not None:
            message = f"This needs the permission {permission.value}, which this API key or its owner does not have"
        raise Forbidden(message)

    def covers(self, permissions: frozenset[Permission]) -> bool:
        """Whether the actor holds all of these: nobody reaches rights that they do not have (ASVS 8.2)."""
        covered = permissions <= self.permissions
        if covered and self.key is not None:
            self._record(*(permission.value for permission in permissions))
        return covered

    def require_user(self, *, writes: bool = False) -> UserId:
        """The signed-in user, for what anybody signed in may do; `writes` where it changes something of theirs.

        Raises:
            Unauthenticated: the actor is not a user.
            KeyScopeLacking: it is an API key that was not made for this (rulings R13).
        """
        if self.user_id is None:
            raise Unauthenticated
        if self.key is not None:
            if not (self.key.writes_own if writes else self.key.reads_own):
                raise KeyScopeLacking
            self._record(OWN_WRITE if writes else OWN_READ)
        return self.user_id

    def require_person(self) -> UserId:
        """The signed-in user, who came with a session: for credentials, sessions and keys (decisions A4).

        Raises:
            Unauthenticated: the actor is not a user.
            KeyRefused: it is an API key.
        """
        self.refuse_key()
        return self.require_user()

    def refuse_key(self) -> None:
        """Refuse an API key where others than a user may act as well: on sessions and credentials of other people.

        Raises:
            KeyRefused: the actor came with one.
        """
        if self.key is not None:
            raise KeyRefused

    def require_proof(self, now: datetime) -> None:
        """Refuse a user who did not prove lately who they are. The host's shell and Revenge itself need not (R24).

        Raises:
            Unauthenticated: nobody is signed in.
            KeyRefused: it is an API key, which proves nothing about who holds it.
            ReauthRequired: the latest proof is too old.
        """
        if self.kind in {ActorKind.HOST, ActorKind.SYSTEM}:
            return
        self.require_person()
        if self.proven_until is None or now >= self.proven_until:
            raise ReauthRequired

    def _record(self, *rights: str) -> None:
        if self.key is not None and self.key.recorder is not None:
            self.key.recorder.used(self.key.id, rights)
