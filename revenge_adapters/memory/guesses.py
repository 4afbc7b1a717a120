"""Counts of guesses in memory."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace
from typing_extensions import override

from revenge_adapters.memory.tables import MemoryTables, Rows
from revenge_core.auth.entities import GuessCount
from revenge_core.auth.ports import GuessReader, GuessStore


class MemoryGuesses(GuessStore):
    """Counts inside a transaction."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    @override
    async def lock(self, keys: Sequence[str], at: datetime) -> dict[str, GuessCount]:
        return {key: self._rows.guesses.setdefault(key, GuessCount(key=key, used=0, at=at)) for key in sorted(keys)}

    @override
    async def put(self, counts: Sequence[GuessCount]) -> None:
        self._rows.guesses.update((count.key, count) for count in counts)

    @override
    async def give_back(self, earlier: Mapping[str, timedelta]) -> None:
        there = [(self._rows.guesses[key], by) for key, by in earlier.items() if key in self._rows.guesses]
        self._rows.guesses.update((count.key, replace(count, at=count.at - by)) for count, by in there)

    @override
    async def lock_untold(self, *, told_before: datetime, limit: int) -> tuple[GuessCount, ...]:
        counts = self._rows.guesses.values()
        untold = (one for one in counts if one.refused and one.told_at is not None and one.told_at < told_before)
        return tuple(untold)[:limit]

    @override
    async def clear(self, subject: str) -> int:
        named = [key for key in self._rows.guesses if subject in key.partition(":")[2].split()]
        for key in named:
            del self._rows.guesses[key]
        return len(named)

    @override
    async def forget(self, *, before: datetime, limit: int) -> int:
        old = [count.key for count in self._rows.guesses.values() if count.at < before][:limit]
        for key in old:
            del self._rows.guesses[key]
        return len(old)


class MemoryGuessReader(GuessReader):
    """Counts outside a transaction."""

    def __init__(self, tables: MemoryTables) -> None:
        self._tables = tables

    @override
    async def used(self, *, limit: int) -> tuple[GuessCount, ...]:
        counts = sorted(self._tables.rows.guesses.values(), key=lambda count: count.key)
        latest_first = sorted(counts, key=lambda count: count.at, reverse=True)
        return tuple(count for count in latest_first if count.used > 0)[:limit]
