"""A pool of niced threads with a short queue of two lanes: those that are known pass, and always find a place (R19)."""

import asyncio
import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, TypeAlias, TypeVar

T = TypeVar("T")

NICENESS: Final = 10
RESERVED_SHARE: Final = 4
"""One place of so many in the queue is for those that are known; one at least, where there is more than one."""

_Work: TypeAlias = tuple[Callable[[], Any], Future[Any]]


class LanesFull(Exception):  # noqa: N818 (what the caller turns into its own refusal)
    """There is no place left to wait in."""


class Lanes:
    """At most `threads` pieces of work run and `queue` wait.

    Whoever is known goes before all who are not. Those who are not known leave `reserved` places of the queue free, so
    that however many of them come, whoever is known waits for little more than the work that runs already.
    """

    def __init__(self, *, threads: int, queue: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name, initializer=_be_nice)
        self._threads = threads
        self._queue = queue
        self.reserved = max(queue // RESERVED_SHARE, min(1, queue - 1))
        self._lock = threading.Lock()
        self._running = 0
        self._known: deque[_Work] = deque()
        self._others: deque[_Work] = deque()
        self._is_open = True

    async def run(self, work: Callable[[], T], *, known: bool) -> T:
        """What `work` returns, done in a thread. Whoever is cancelled while waiting leaves their place at once.

        Raises:
            LanesFull: there is no place left, or the pool is closed.
        """
        result: Future[T] = Future()
        piece = (work, result)
        with self._lock:
            if not self._is_open:
                raise LanesFull
            if self._running < self._threads:
                self._running += 1
                self._pool.submit(self._serve, piece)
            else:
                self._enqueue(piece, known=known)
        try:
            return await asyncio.wrap_future(result)
        except asyncio.CancelledError:
            self._leave(piece)
            raise

    def close(self) -> None:
        """Let what runs finish, drop what waits."""
        with self._lock:
            self._is_open = False
            waiting = [*self._known, *self._others]
            self._known.clear()
            self._others.clear()
        for _, result in waiting:
            result.cancel()
        self._pool.shutdown(wait=True)

    def _enqueue(self, piece: _Work, *, known: bool) -> None:
        waiting = len(self._known) + len(self._others)
        if waiting >= self._queue or (not known and len(self._others) >= self._queue - self.reserved):
            raise LanesFull
        (self._known if known else self._others).append(piece)

    def _leave(self, piece: _Work) -> None:
        with self._lock:
            for lane in (self._known, self._others):
                if piece in lane:
                    lane.remove(piece)

    def _serve(self, piece: _Work | None) -> None:
        """Do the work, and then whatever waits, until nothing does: a thread that is done takes the next at once."""
        while piece is not None:
            work, result = piece
            if result.set_running_or_notify_cancel():
                try:
                    result.set_result(work())
                except BaseException as problem:  # noqa: BLE001 (it belongs to whoever waits for the result)
                    result.set_exception(problem)
            piece = self._next()

    def _next(self) -> _Work | None:
        with self._lock:
            for lane in (self._known, self._others):
                if lane:
                    return lane.popleft()
            self._running -= 1
            return None


def _be_nice() -> None:
    if sys.platform == "linux":  # elsewhere niceness belongs to the whole process
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
