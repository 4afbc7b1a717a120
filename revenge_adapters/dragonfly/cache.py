"""What processes remember together, in Dragonfly: as true as what each remembers alone (rulings R25), or not used.

An entry says how far the feed was known before its value was read. Another process believes it only where its own view
of the feed reaches back so far and knows of no change since; so an entry needs not be deleted to become void, and one
that was kept back, repeated or brought back from a snapshot is void like any other. Entries are sealed and bound to
their keys, and a key is a keyed digest: the cache learns nothing, and can say nothing of its own.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from hashlib import blake2b
from typing import Final, Generic, Protocol, TypeVar

import msgspec
from typing_extensions import override

from revenge_adapters.batch import Batch
from revenge_adapters.boottime import boottime
from revenge_adapters.dragonfly.circuit import Circuit
from revenge_adapters.dragonfly.client import Command, RedisClient
from revenge_adapters.dragonfly.envelopes import Envelopes
from revenge_adapters.dragonfly.errors import CacheUnavailable
from revenge_adapters.flights import Flights, Landed
from revenge_core.cache.entities import Found, Mark, Recipe
from revenge_core.cache.ports import Cache, SharedFeedView
from revenge_core.clock import Clock
from revenge_core.entity import Entity

K = TypeVar("K")
V = TypeVar("V")

BUDGET_SECONDS: Final = 0.05
"""What a request waits for the cache at most. A read of the database takes a few milliseconds."""
LARGEST_BYTES: Final = 16_384
"""Values that take more are read where they are; and what is larger than that in the cache is not ours."""
WAITING_WRITES: Final = 1000
"""Nobody waits for writes; what comes while so many wait is not written."""

_log = logging.getLogger("revenge.cache")


class Entries(Protocol):
    """Where sealed values lie, by name."""

    async def read(self, name: str) -> bytes | None:
        """What lies there. None as well where the cache does not answer in time."""
        ...

    def write(self, name: str, sealed: bytes, milliseconds: int) -> None:
        """Put it there some time soon, if that works, for so long."""
        ...


class DragonflyEntries(Entries):
    """Reads and writes of one turn of the event loop go out in one trip each."""

    def __init__(self, client: RedisClient, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._circuit = Circuit(
            _log,
            lost="the shared cache is not used (%s); what it would have known is read from the database",
            found="the shared cache is used again",
            monotonic=monotonic,
        )
        self._batch = Batch[str, tuple[str, bytes]](self._read, lambda entry: entry[0])
        self._waiting: dict[str, Command] = {}
        self._writing: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Wait until what was to be written is."""
        if self._writing is not None:
            await asyncio.wait([self._writing])

    @override
    async def read(self, name: str) -> bytes | None:
        if not self._circuit.may_ask():
            return None
        entry = await self._batch.one(name)
        return entry and entry[1]

    @override
    def write(self, name: str, sealed: bytes, milliseconds: int) -> None:
        if len(sealed) > LARGEST_BYTES or len(self._waiting) >= WAITING_WRITES:
            return
        self._waiting[name] = ("SET", name, sealed, "PX", milliseconds)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write(), name="revenge cache writes")

    async def _read(self, names: Collection[str]) -> Iterable[tuple[str, bytes]]:
        asked = tuple(names)
        try:
            async with asyncio.timeout(BUDGET_SECONDS):
                answer: Sequence[object] = await self._client.do("MGET", *asked)
            if not isinstance(answer, list | tuple) or len(answer) != len(asked):
                raise CacheUnavailable("it answers with something else than values")
        except (CacheUnavailable, TimeoutError) as problem:
            self._circuit.failed(problem)
            return ()
        self._circuit.answered()
        return [(name, sealed) for name, sealed in zip(asked, answer, strict=True) if isinstance(sealed, bytes)]

    async def _write(self) -> None:
        try:
            while self._waiting:
                commands, self._waiting = tuple(self._waiting.values()), {}
                if self._circuit.may_ask():
                    await self._client.do_all(commands)
                    self._circuit.answered()
        except CacheUnavailable as problem:
            self._waiting.clear()
            self._circuit.failed(problem)
        finally:
            self._writing = None


class Kept(Entity, kw_only=True):
    """What is sealed."""

    mark: Mark
    expires_at: float
    """Seconds since 1970 by the database's clock, which all processes share (rulings R26)."""
    value: msgspec.Raw
    """JSON of the value; null is an absence."""


class DragonflyCache(Cache[K, V], Generic[K, V]):
    """Values of one recipe by key."""

    def __init__(
        self, entries: Entries, envelopes: Envelopes, feed: SharedFeedView, clock: Clock, recipe: Recipe[K, V]
    ) -> None:
        self.name = recipe.name
        self.hits = 0
        self.misses = 0
        self._entries = entries
        self._envelopes = envelopes
        self._feed = feed
        self._clock = clock
        self._recipe = recipe
        self._decoder = msgspec.json.Decoder[V | None](recipe.form | None)
        # Programs of another version may know the same kind of value with more in it, or less.
        schema = msgspec.json.encode(msgspec.json.schema(recipe.form), order="deterministic")
        self._form = blake2b(schema, digest_size=8).hexdigest()
        self._flights = Flights[K, V](self._fly)

    @override
    async def get(self, key: K) -> V | None:
        return (await self.find(key)).value

    @override
    async def find(self, key: K) -> Found[V]:
        if not self._feed.is_fresh(boottime()):
            self.misses += 1
            return self._recipe.found(await self._recipe.load(key))
        return await self._flights.one(key)

    async def _fly(self, key: K) -> Landed[V]:
        name = self._envelopes.name("cache", self._recipe.name, self._form, self._envelopes.digest(str(key)))
        sealed = await self._entries.read(name)
        found = None if sealed is None else self._believed(key, name, sealed)
        if found is not None:
            self.hits += 1
            return Landed(found, unchanged=True)
        self.misses += 1
        fresh, mark, position = self._feed.is_fresh(boottime()), self._feed.mark(), self._feed.position()
        found = self._recipe.found(await self._recipe.load(key))
        unchanged = not self._feed.changed_since(self._recipe.depends_on(key, found.value), position)
        if unchanged and fresh and found.seconds > 0:
            self._share(name, found, mark)
        return Landed(found, unchanged=unchanged)

    def _believed(self, key: K, name: str, sealed: bytes) -> Found[V] | None:
        """What was sealed, if it is for this key, still good, and nothing that this process knows speaks against it."""
        kept = self._envelopes.open(name, sealed, Kept) if len(sealed) <= LARGEST_BYTES else None
        if kept is None:
            return None
        seconds = min(kept.expires_at - self._clock.now().timestamp(), self._recipe.lifetime)
        position = self._feed.position_of(kept.mark)
        if seconds <= 0 or position is None:
            return None
        try:
            value = self._decoder.decode(kept.value)
        except (msgspec.MsgspecError, RecursionError):
            return None
        if self._feed.changed_since(self._recipe.depends_on(key, value), position):
            return None
        return Found(value=value, seconds=seconds)

    def _share(self, name: str, found: Found[V], mark: Mark) -> None:
        kept = Kept(
            mark=mark,
            expires_at=self._clock.now().timestamp() + found.seconds,
            value=msgspec.Raw(msgspec.json.encode(found.value)),
        )
        self._entries.write(name, self._envelopes.seal(name, kept), max(1, int(found.seconds * 1000)))
