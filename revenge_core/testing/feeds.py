"""A revocation feed that moves when a test says so."""

from collections.abc import Callable, Iterable

from revenge_core.cache.entities import Mark
from revenge_core.cache.ports import SharedFeedView
from revenge_core.feed import Change


class HandFeed(SharedFeedView):
    """What one process knows of the feed. `lineage` names the history that it follows."""

    def __init__(self, lineage: str = "one") -> None:
        self.fresh = True
        self.lineage = lineage
        self._generation = 0
        self._cursor = 0
        self._remembered_from = 0
        self._numbers: dict[Change, int] = {}
        self._subscribers: list[Callable[[Change | None], None]] = []

    def is_fresh(self, now: float) -> bool:  # noqa: ARG002 -- as the port says
        return self.fresh

    def position(self) -> tuple[int, int]:
        return self._generation, self._cursor

    def changed_since(self, changes: Iterable[Change], position: tuple[int, int]) -> bool:
        generation, number = position
        if generation != self._generation or number < self._remembered_from:
            return True
        return any(self._numbers.get(change, 0) > number for change in changes)

    def mark(self) -> Mark:
        return Mark(lineage=self.lineage, number=self._cursor)

    def position_of(self, mark: Mark) -> tuple[int, int] | None:
        if mark.lineage != self.lineage or mark.number > self._cursor:
            return None
        return self._generation, mark.number

    def subscribe(self, forget: Callable[[Change | None], None]) -> None:
        self._subscribers.append(forget)

    def announce(self, change: Change) -> None:
        """The process learns of a change."""
        self._cursor += 1
        self._numbers[change] = self._cursor
        for forget in self._subscribers:
            forget(change)

    def flush(self) -> None:
        """The process learns that it may have missed anything."""
        self._generation += 1
        self._cursor += 1
        self._remembered_from = self._cursor
        self._numbers.clear()
        for forget in self._subscribers:
            forget(None)
