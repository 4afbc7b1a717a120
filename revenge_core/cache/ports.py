"""What remembering needs from outside."""

from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Protocol


class Locks(Protocol):
    """Locks between processes, for what is a waste to do twice. Never for what would be wrong: that is PostgreSQL's."""

    def held(self, name: str, *, at_most: timedelta) -> AbstractAsyncContextManager[bool]:
        """Whether the lock is ours inside the block; nobody waits for it. It is let go of at the end.

        After `at_most` it is anybody's, whether or not the block has ended. Where the cache cannot be reached it is
        ours: doing something twice is better than not at all.
        """
        ...
