"""What remembering needs from outside."""

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Protocol, TypeVar

from revenge_core.cache.entities import Found, Mark
from revenge_core.feed import Change

K_contra = TypeVar("K_contra", contravariant=True)
V = TypeVar("V")


class Cache(Protocol[K_contra, V]):
    """Values by key that are read where they are not remembered; never an authority (decisions I4, rulings R25).

    A value that was announced as changed before it was asked for is not given. Where the feed is not followed, every
    call reads. Of those who ask at the same time one reads, and who is cancelled takes nobody along.
    """

    async def get(self, key: K_contra) -> V | None:
        """The value; None if there is none.

        Raises:
            whatever reading raises, to all who waited for that read, and to nobody later.
        """
        ...

    async def find(self, key: K_contra) -> Found[V]:
        """The same, and how long it stays true."""
        ...


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


class SharedFeedView(FeedView, Protocol):
    """What a cache needs that several processes share."""

    def mark(self) -> Mark:
        """The position in terms that other processes understand."""
        ...

    def position_of(self, mark: Mark) -> tuple[int, int] | None:
        """Another's mark as a position of this process.

        None where this process cannot tell what has changed since: the mark is of another history, or ahead of what
        this process knows.
        """
        ...


class Locks(Protocol):
    """Locks between processes, for what is a waste to do twice. Never for what would be wrong: that is PostgreSQL's."""

    def held(self, name: str, *, at_most: timedelta) -> AbstractAsyncContextManager[bool]:
        """Whether the lock is ours inside the block; nobody waits for it. It is let go of at the end.

        After `at_most` it is anybody's, whether or not the block has ended. Where the cache cannot be reached it is
        ours: doing something twice is better than not at all.
        """
        ...
