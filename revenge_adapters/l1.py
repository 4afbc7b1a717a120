"""What one process remembers of the database, guarded by the revocation feed (decisions I4, rulings R25).

While the feed is fresh, a remembered value is as good as a read; when it is not, every call reads. A value is dropped
when the feed names anything it depends on, and is not kept at all if that happened between the read and the keeping.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Final, Generic, Protocol, TypeVar

from typing_extensions import override

from revenge_adapters.boottime import boottime
from revenge_core.auth.entities import Principal
from revenge_core.auth.ports import PrincipalReader
from revenge_core.clock import Clock
from revenge_core.feed import ROLES_CHANGED, Change
from revenge_core.ids import SessionId, UserId
from revenge_core.rbac.entities import PermissionIndex, Role
from revenge_core.rbac.ports import RoleReader
from revenge_core.users.entities import User
from revenge_core.users.ports import UserReader

K = TypeVar("K")
V = TypeVar("V")

CAPACITY: Final = 10_000
LIFETIME_SECONDS: Final = 60.0
"""What only time changes (last activity, last login) is at most this old."""


class FeedView(Protocol):
    """What a cache needs to know of the revocation feed."""

    def is_fresh(self, now: float) -> bool:
        """Whether the last successful look began less than 1.5 s before `now` (boot-time seconds)."""
        ...

    def position(self) -> tuple[int, int]:
        """How far the feed has been followed: its generation, and the last number seen."""
        ...

    def changed_since(self, changes: Iterable[Change], position: tuple[int, int]) -> bool:
        """Whether any of these was announced, or everything flushed, since `position`. In doubt: True."""
        ...

    def subscribe(self, forget: Callable[[Change | None], None]) -> None:
        """Call `forget` with every change as it becomes known; with None when everything must be forgotten."""
        ...


class GuardedCache(Generic[K, V]):
    """Values by key. `depends_on` says which changes make a value untrue, `good_for` in how many seconds time does."""

    def __init__(
        self,
        feed: FeedView,
        load: Callable[[K], Awaitable[V | None]],
        depends_on: Callable[[K, V], tuple[Change, ...]],
        *,
        good_for: Callable[[V], float] = lambda _: LIFETIME_SECONDS,
        capacity: int = CAPACITY,
        lifetime: float = LIFETIME_SECONDS,
    ) -> None:
        self._feed = feed
        self._load = load
        self._depends_on = depends_on
        self._good_for = good_for
        self._capacity = capacity
        self._lifetime = lifetime
        self._values: dict[K, tuple[float, V]] = {}
        self._keys: dict[Change, set[K]] = {}
        feed.subscribe(self._forget)

    async def get(self, key: K) -> V | None:
        """The value, remembered or read. Absence is never remembered."""
        now = boottime()
        fresh = self._feed.is_fresh(now)
        if fresh:
            remembered = self._values.get(key)
            if remembered is not None and now < remembered[0]:
                return remembered[1]
        position = self._feed.position()
        value = await self._load(key)
        if value is not None and fresh:
            changes = self._depends_on(key, value)
            if not self._feed.changed_since(changes, position):
                self._keep(key, value, changes, now + min(self._lifetime, self._good_for(value)))
        return value

    def _keep(self, key: K, value: V, changes: tuple[Change, ...], until: float) -> None:
        self._drop(key)
        while len(self._values) >= self._capacity:
            self._drop(next(iter(self._values)))
        self._values[key] = (until, value)
        for change in changes:
            self._keys.setdefault(change, set()).add(key)

    def _drop(self, key: K) -> None:
        held = self._values.pop(key, None)
        if held is not None:
            for change in self._depends_on(key, held[1]):
                keys = self._keys[change]
                keys.discard(key)
                if not keys:
                    del self._keys[change]

    def _forget(self, change: Change | None) -> None:
        if change is None:
            self._values.clear()
            self._keys.clear()
        else:
            for key in tuple(self._keys.get(change, ())):
                self._drop(key)


class CachedPrincipals(PrincipalReader):
    """Principals by session: forgotten with the session or the user, and when the session seems to expire.

    Activity moves the idle end without an event, so a session is never taken for expired before it was read again.
    """

    def __init__(self, reader: PrincipalReader, feed: FeedView, clock: Clock) -> None:
        self._cache = GuardedCache[SessionId, Principal](
            feed,
            reader.principal,
            lambda session_id, principal: (
                Change.of_session(session_id),
                Change.of_user(principal.session.user_id),
                *map(Change.of_group, principal.groups),
            ),
            good_for=lambda principal: (principal.session.idle_expires_at - clock.now()).total_seconds(),
        )

    @override
    async def principal(self, session_id: SessionId) -> Principal | None:
        return await self._cache.get(session_id)


class CachedUsers(UserReader):
    """Users by id: forgotten with the user."""

    def __init__(self, reader: UserReader, feed: FeedView) -> None:
        self._cache = GuardedCache[UserId, User](feed, reader.by_id, lambda user_id, _: (Change.of_user(user_id),))

    @override
    async def by_id(self, user_id: UserId) -> User | None:
        return await self._cache.get(user_id)


class CachedRoles(RoleReader):
    """The compiled index: forgotten with any role. Lists of roles are for administrators and always read."""

    def __init__(self, reader: RoleReader, feed: FeedView) -> None:
        self._reader = reader
        self._cache = GuardedCache[None, PermissionIndex](feed, self._load, lambda _key, _index: (ROLES_CHANGED,))

    @override
    async def all_roles(self) -> tuple[Role, ...]:
        return await self._reader.all_roles()

    @override
    async def index(self) -> PermissionIndex:
        index = await self._cache.get(None)
        return index if index is not None else await self._reader.index()

    async def _load(self, _key: None) -> PermissionIndex | None:
        return await self._reader.index()
