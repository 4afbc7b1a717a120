"""A lock for tasks of any event loop: a sandbox may outlive the loop of one test, or serve loops of two threads."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator
from concurrent.futures import Future
from contextlib import asynccontextmanager


class Turns:
    """One at a time, in the order of asking. `asyncio.Lock` would belong to the first loop that waits for it."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._holder: asyncio.Task[object] | None = None
        self._taken = False
        self._waiting: deque[Future[None]] = deque()

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[None]:
        """Wait for the others, then hold the lock.

        Raises:
            RuntimeError: this task holds it already, and would wait for itself for ever.
        """
        task = asyncio.current_task()
        if task is not None and task is self._holder:
            message = "this task is inside a transaction already; transactions are never nested: pass `tx` on instead"
            raise RuntimeError(message)
        await self._acquire()
        self._holder = task
        try:
            yield
        finally:
            self._holder = None
            self._release()

    async def _acquire(self) -> None:
        with self._guard:
            if not self._taken:
                self._taken = True
                return
            mine = Future[None]()
            self._waiting.append(mine)
        try:
            await asyncio.wrap_future(mine)
        except asyncio.CancelledError:
            # The lock may have been handed over in the same moment: then it goes to the next.
            if not mine.cancel():
                self._release()
            raise

    def _release(self) -> None:
        with self._guard:
            while self._waiting:
                following = self._waiting.popleft()
                if following.set_running_or_notify_cancel():
                    following.set_result(None)
                    return
            self._taken = False
