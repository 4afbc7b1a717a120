"""What one process remembers of the database, guarded by the revocation feed (decisions I4, rulings R25).

While the feed is fresh, a remembered value is as good as a read; when it is not, every call reads. A value is dropped
when the feed names anything it depends on, and is not kept at all if that happened between the read and the keeping.
"""

from typing import Final, Generic, Protocol, TypeVar

from typing_extensions import override

from revenge_adapters.boottime import boottime
from revenge_adapters.flights import Flights, Landed
from revenge_adapters.tinylfu import TinyLfu
from revenge_core.auth.entities import Principal
from revenge_core.auth.ports import PrincipalReader
from revenge_core.cache.entities import LIFETIME_SECONDS, Found, Recipe
from revenge_core.cache.ports import Cache, FeedView
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


class GuardedCache(Cache[K, V], Generic[K, V]):
    """Values by key, at most `capacity` of them; what is missing comes from `below`, which has the same recipe."""

    def __init__(
        self,
        feed: FeedView,
        recipe: Recipe[K, V],
        *,
        below: Cache[K, V] | None = None,
        capacity: int = CAPACITY,
    ) -> None:
        self.name = recipe.name
        self.hits = 0
        self.misses = 0
        self._feed = feed
        self._recipe = recipe
        self._below = below
        self._held = TinyLfu[K, _Held[K, V]](capacity)
        self._entry = self._held.entry
        self._keys: dict[Change, set[K]] = {}
        self._flights = Flights[K, V](self._fly)
        feed.subscribe(self._forget)

    def __len__(self) -> int:
        return len(self._held)

    @property
    def evictions(self) -> int:
        """How many values made room for others."""
        return self._held.evicted

    @override
    async def get(self, key: K) -> V | None:
        now = boottime()
        if self._feed.is_fresh(now):
            entry = self._entry(key)
            if entry is not None and now < entry.value.until:
                entry.uses += 1
                self.hits += 1
                return entry.value.value
            self.misses += 1
            return (await self._flights.one(key)).value
        self.misses += 1
        return await self._recipe.load(key)

    @override
    async def find(self, key: K) -> Found[V]:
        value = await self.get(key)
        held = self._held.get(key)
        seconds = 0.0 if held is None else held.until - boottime()
        return Found(value=value, seconds=max(0.0, seconds))

    async def _fly(self, key: K) -> Landed[V]:
        began = boottime()
        fresh, position = self._feed.is_fresh(began), self._feed.position()
        held = self._held.get(key)
        if held is not None and began < held.until and fresh:  # somebody read it while we waited to
            return Landed(Found(value=held.value, seconds=held.until - began), unchanged=True)
        if self._below is None:
            found = self._recipe.found(await self._recipe.load(key))
        else:
            found = await self._below.find(key)
        changes = self._recipe.depends_on(key, found.value)
        unchanged = not self._feed.changed_since(changes, position)
        if unchanged and fresh and found.seconds > 0:
            self._keep(_Held(key, found.value, changes, began + found.seconds))
        return Landed(found, unchanged=unchanged)

    def _keep(self, held: "_Held[K, V]") -> None:
        before = self._held.get(held.key)
        if before is not None:
            self._unlist(before)
        evicted = self._held.put(held.key, held)
        if evicted is not held:
            for change in held.changes:
                self._keys.setdefault(change, set()).add(held.key)
            if evicted is not None:
                self._unlist(evicted)

    def _drop(self, key: K) -> None:
        held = self._held.pop(key)
        if held is not None:
            self._unlist(held)

    def _unlist(self, held: "_Held[K, V]") -> None:
        for change in held.changes:
            keys = self._keys[change]
            keys.discard(held.key)
            if not keys:
                del self._keys[change]

    def _forget(self, change: Change | None) -> None:
        if change is None:
            self._held.clear()
            self._keys.clear()
        else:
            for key in tuple(self._keys.get(change, ())):
                self._drop(key)


class _Held(Generic[K, V]):
    __slots__ = ("changes", "key", "until", "value")

    def __init__(self, key: K, value: V | None, changes: tuple[Change, ...], until: float) -> None:
        self.key = key
        self.value = value
        self.changes = tuple(dict.fromkeys(changes))
        self.until = until


class Share(Protocol):
    """What puts a cache that processes share below one that they do not."""

    def __call__(self, recipe: Recipe[K, V]) -> Cache[K, V]:
        """For what is had in this way."""
        ...


class CachedPrincipals(PrincipalReader):
    """Principals by session: forgotten with the session or the user, and when the session seems to expire.

    Activity moves the idle end without an event, so a session is never taken for expired before it was read again.
    That there is none is remembered, too: ids are never used again, so a session that is gone stays gone.
    """

    def __init__(
        self,
        reader: PrincipalReader,
        feed: FeedView,
        clock: Clock,
        *,
        share: Share | None = None,
    ) -> None:
        recipe = Recipe[SessionId, Principal](
            name="principals",
            form=Principal,
            load=reader.principal,
            depends_on=_changes_of_principal,
            good_for=lambda principal: (principal.session.idle_expires_at - clock.now()).total_seconds(),
            absent_for=LIFETIME_SECONDS,
        )
        self.cache = GuardedCache(feed, recipe, below=None if share is None else share(recipe))

    @override
    async def principal(self, session_id: SessionId) -> Principal | None:
        return await self.cache.get(session_id)


def _changes_of_principal(session_id: SessionId, principal: Principal | None) -> tuple[Change, ...]:
    own = Change.of_session(session_id)
    if principal is None:
        return (own,)
    return (own, Change.of_user(principal.session.user_id), *map(Change.of_group, principal.groups))


class CachedUsers(UserReader):
    """Users by id: forgotten with the user."""

    def __init__(self, reader: UserReader, feed: FeedView, *, share: Share | None = None) -> None:
        recipe = Recipe[UserId, User](
            name="users", form=User, load=reader.by_id, depends_on=lambda user_id, _: (Change.of_user(user_id),)
        )
        self.cache = GuardedCache(feed, recipe, below=None if share is None else share(recipe))

    @override
    async def by_id(self, user_id: UserId) -> User | None:
        return await self.cache.get(user_id)


class CachedRoles(RoleReader):
    """The compiled index: forgotten with any role. Lists of roles are for administrators and always read."""

    def __init__(self, reader: RoleReader, feed: FeedView) -> None:
        self._reader = reader
        self.cache = GuardedCache[None, PermissionIndex](
            feed,
            Recipe(
                name="roles", form=PermissionIndex, load=self._load, depends_on=lambda _key, _index: (ROLES_CHANGED,)
            ),
        )

    @override
    async def all_roles(self) -> tuple[Role, ...]:
        return await self._reader.all_roles()

    @override
    async def index(self) -> PermissionIndex:
        index = await self.cache.get(None)
        return index if index is not None else await self._reader.index()

    async def _load(self, _key: None) -> PermissionIndex | None:
        return await self._reader.index()
