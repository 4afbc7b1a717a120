"""A bounded dictionary that keeps what is asked for often: W-TinyLFU (Einziger, Friedman, Manes: ACM TOS 13(4), 2017).

New keys enter a small window. Who leaves it competes with the coldest of the main part, and whichever was asked for
less often goes: a scan of keys that nobody asks for twice throws nothing useful out. Both parts are clocks, so that a
hit costs one addition and moves nothing.
"""

import random
from collections import OrderedDict
from typing import Final, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

WINDOW_SHARE: Final = 0.02
MOST: Final = 15
"""More uses than that say nothing more about the future."""
SKETCH_ROWS: Final = 4
COUNTERS_PER_ENTRY: Final = 4
"""In each row, at least."""
AGES_AFTER: Final = 10
"""So many counts per entry halve all counts: what was popular once makes room for what is now."""
STEPS_OF_THE_HAND: Final = 16
"""At most for each newcomer, so that none of them waits for a round over thousands."""

_HALVES: Final = bytes(count // 2 for count in range(256))


class Sketch:
    """How often keys were asked for lately, at least: four hashed counters of each, the smallest of which is closest.

    The seed keeps who may choose keys from choosing ones that share all counters of somebody else's.
    """

    def __init__(self, capacity: int, seed: int) -> None:
        width = 1 << max(4, (COUNTERS_PER_ENTRY * capacity - 1).bit_length())
        self._mask = width - 1
        self._shift = width.bit_length() - 1
        self._rows = [bytearray(width) for _ in range(SKETCH_ROWS)]
        self._counted = 0
        self._age_at = AGES_AFTER * capacity
        self._seed = seed

    def add(self, key: object) -> None:
        """It was asked for once more."""
        at = hash((self._seed, key))
        for row in self._rows:
            place = at & self._mask
            if row[place] < MOST:
                row[place] += 1
            at = (at >> 5) * _SPREAD
        self._counted += 1
        if self._counted >= self._age_at:
            self._counted //= 2
            self._rows = [row.translate(_HALVES) for row in self._rows]

    def count(self, key: object) -> int:
        """How often it was, or somewhat more."""
        at, least = hash((self._seed, key)), MOST
        for row in self._rows:
            least = min(least, row[at & self._mask])
            at = (at >> 5) * _SPREAD
        return least


_SPREAD: Final = 0x9E3779B97F4A7C15 | 1


class Entry(Generic[V]):
    """A value, and how much it is wanted."""

    __slots__ = ("uses", "value")

    def __init__(self, value: V) -> None:
        self.value = value
        self.uses = 0
        """Since the clock's hand was here last, or rather half of what it found then and what came since."""


class TinyLfu(Generic[K, V]):
    """At most `capacity` values by key. For the tasks of one event loop."""

    def __init__(self, capacity: int, *, seed: int | None = None) -> None:
        self.evicted = 0
        """How many went because others came."""
        self._entries: dict[K, Entry[V]] = {}
        self.entry: Final = self._entries.get
        """The entry of a key, without a call of ours on the way: whoever uses it adds one to `uses`."""
        self._window: OrderedDict[K, Entry[V]] = OrderedDict()
        self._main: OrderedDict[K, Entry[V]] = OrderedDict()
        self._capacity = capacity
        self._window_size = max(1, round(capacity * WINDOW_SHARE))
        self._sketch = Sketch(capacity, random.getrandbits(64) if seed is None else seed)

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K) -> V | None:
        """The value, which is wanted a little more from now on."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        entry.uses += 1
        return entry.value

    def put(self, key: K, value: V) -> V | None:
        """Keep it, which may cost another its place; what had to go, the one given included."""
        self._sketch.add(key)
        present = self._entries.get(key)
        if present is not None:
            present.value = value
            return None
        self._entries[key] = self._window[key] = Entry(value)
        if len(self._window) <= self._window_size:
            return None
        candidate_key, candidate = self._window.popitem(last=False)
        if len(self._entries) <= self._capacity:
            self._main[candidate_key] = candidate
            return None
        return self._admit(candidate_key, candidate)

    def pop(self, key: K) -> V | None:
        """The value, which is kept no longer."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return None
        if self._window.pop(key, None) is None:
            del self._main[key]
        return entry.value

    def clear(self) -> None:
        """Keep nothing. How often keys were asked for is still known."""
        self._entries.clear()
        self._window.clear()
        self._main.clear()

    def _admit(self, key: K, candidate: Entry[V]) -> V:
        self.evicted += 1
        if self._main:
            victim_key, victim = self._coldest()
            if self._wanted(key, candidate) > self._wanted(victim_key, victim):
                self._main[key] = candidate
                return self._gone(victim_key, victim)
            self._main[victim_key] = victim
            self._main.move_to_end(victim_key, last=False)
        return self._gone(key, candidate)

    def _coldest(self) -> tuple[K, Entry[V]]:
        """The first that was not used since the hand was there; after some steps, whoever is there."""
        for _ in range(STEPS_OF_THE_HAND):
            key, entry = self._main.popitem(last=False)
            if not entry.uses:
                return key, entry
            if entry.uses > 1:
                self._sketch.add(key)
            entry.uses = min(entry.uses, MOST) // 2
            self._main[key] = entry
        return self._main.popitem(last=False)

    def _wanted(self, key: K, entry: Entry[V]) -> int:
        return self._sketch.count(key) + entry.uses

    def _gone(self, key: K, entry: Entry[V]) -> V:
        del self._entries[key]
        for _ in range(min(entry.uses, MOST)):
            self._sketch.add(key)
        return entry.value
