"""What one stream worker has taken, known to its event loop and to the thread that keeps its lease."""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from datetime import timedelta
from typing import Final

from revenge_adapters.boottime import boottime
from revenge_adapters.dragonfly.envelopes import CLOCKS_DIFFER_BY
from revenge_adapters.dragonfly.streams import Announcement
from revenge_core.entity import Entity
from revenge_core.jobs.entities import ANSWERED_WITHIN, JobKey, WorkerInfo

GONE_FOR: Final = 0.75
"""Share of the lease after which a relay is gone whose orders are not there. They are for a lease after it put them."""


class Taken(Entity, kw_only=True):
    """One run, from being taken until its end is handed on."""

    key: JobKey
    queue: str
    relay: str
    at: float


class Holding:
    """Every method is one step that threads see as a whole."""

    def __init__(self, kinds: Collection[str], *, lease: timedelta, now: Callable[[], float] = boottime) -> None:
        self.lease = lease
        self._kinds = frozenset(kinds)
        self._now = now
        self._lock = threading.Lock()
        self.worker_id = ""
        self._slots: dict[str, int] = {}
        self._taken: dict[JobKey, Taken] = {}
        self._before: dict[JobKey, float] = {}
        """When runs were taken, ended ones too, for as long as their messages can be repeated; the oldest first."""
        self._lost: frozenset[JobKey] = frozenset()
        self._said_at = float("-inf")
        self._seen: dict[str, float] = {}
        """When each relay was heard of last."""

    def begin(self, info: WorkerInfo) -> None:
        """Announced, now or anew: what was taken before is not held any more."""
        with self._lock:
            self.worker_id = info.id
            self._slots = dict(info.queues)
            self._taken.clear()
            self._lost = frozenset()
            self._seen.clear()
            self._said_at = self._now()

    def said(self) -> None:
        """An announcement arrived. Too late is too late: only beginning anew makes good for it."""
        with self._lock:
            if not self._is_lost():
                self._said_at = self._now()

    def is_lost(self) -> bool:
        """Whether no announcement arrived for a lease, or a relay is gone: then others have the jobs, or soon will."""
        with self._lock:
            return self._is_lost()

    def _is_lost(self) -> bool:
        lease = self.lease.total_seconds()
        oldest = min((self._seen[one.relay] for one in self._taken.values()), default=self._now())
        return self._now() - self._said_at >= lease or self._now() - oldest >= lease * GONE_FOR

    def take(self, relay: str, queue: str, key: JobKey) -> bool:
        """This run is ours, as far as we know; False if it was already, or had been: somebody repeats it."""
        with self._lock:
            self._forget()
            if key in self._before:
                return False
            self._before[key] = self._now()
            self._taken[key] = Taken(key=key, queue=queue, relay=relay, at=self._now())
            self._seen[relay] = self._now()
            return True

    def _forget(self) -> None:
        before = self._now() - 2 * (self.lease + CLOCKS_DIFFER_BY).total_seconds()
        while self._before and self._before[oldest := next(iter(self._before))] < before:
            del self._before[oldest]

    def drop(self, keys: Iterable[JobKey]) -> None:
        """They are not ours, or their ends were handed on."""
        with self._lock:
            for key in keys:
                self._taken.pop(key, None)

    def keys(self) -> frozenset[JobKey]:
        """What is held."""
        with self._lock:
            return frozenset(self._taken)

    def unknown(self, known: Collection[JobKey]) -> tuple[JobKey, ...]:
        """What was taken some time ago and is not among `known`."""
        with self._lock:
            before = self._now() - ANSWERED_WITHIN.total_seconds()
            return tuple(one.key for one in self._taken.values() if one.at < before and one.key not in known)

    def relays(self) -> tuple[str, ...]:
        """Where the held ones came from."""
        with self._lock:
            return tuple({one.relay for one in self._taken.values()})

    def see(self, relay: str) -> None:
        """The relay's orders are there, so it is."""
        with self._lock:
            self._seen[relay] = self._now()

    def lose(self, keys: Iterable[JobKey]) -> None:
        """Relays say that these are not ours any more."""
        with self._lock:
            self._lost = frozenset(keys)

    def has(self, key: JobKey) -> bool:
        """Whether the run is still ours, as far as we know."""
        with self._lock:
            return key in self._taken and key not in self._lost

    def announcement(self, *, without: Iterable[JobKey] = ()) -> Announcement:
        """What to announce once the runs `without` have ended."""
        with self._lock:
            ended = frozenset(without)
            running = [one for one in self._taken.values() if one.key not in ended]
            busy = Counter(one.queue for one in running)
            return Announcement(
                kinds=self._kinds,
                slots=self._slots,
                free={queue: max(0, slots - busy[queue]) for queue, slots in self._slots.items()},
                running={
                    relay: tuple(one.key for one in running if one.relay == relay)
                    for relay in {one.relay for one in running}
                },
            )
