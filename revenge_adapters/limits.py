"""Counting requests in this process (decisions W5)."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from typing_extensions import override

from revenge_core.limits.entities import Quota, Verdict
from revenge_core.limits.policy import crowd_of
from revenge_core.limits.ports import OwnLimiter, RateLimiter

CAPACITY: Final = 50_000
"""So many clients of one quota are known by name; more of them share places."""
SHARED_PLACES: Final = 1024
TABLES: Final = 64
"""From so many quotas on, those that nobody uses any more are forgotten: each API key may have one of its own."""
_MICROSECOND: Final = timedelta(microseconds=1)

Now = Callable[[], int]
"""The time in nanoseconds; it never goes back."""


class ProcessLimiter(OwnLimiter, RateLimiter):
    """Exact, in a microsecond or two, and of bounded size."""

    def __init__(self, now: Now = time.monotonic_ns, *, capacity: int = CAPACITY) -> None:
        self._now = now
        self._capacity = capacity
        self._tables: dict[Quota, _Table] = {}
        self._tidy_at = TABLES
        none = Quota(burst=1, window=timedelta(seconds=1))
        self._latest = (none, _Table(none, 0))

    @override
    def count(self, key: str, quota: Quota) -> Verdict:
        return self._table(quota).take(key, self._now())

    @override
    async def take(self, key: str, quota: Quota) -> Verdict:
        return self.count(key, quota)

    def put_back(self, key: str, quota: Quota) -> None:
        """Uncount one request that was let through here, and refused elsewhere."""
        self._table(quota).put_back(key)

    def _table(self, quota: Quota) -> "_Table":
        if quota is not self._latest[0]:  # the same one with every request; looking a record up takes a while
            table = self._tables.get(quota)
            if table is None:
                self._tidy()
                table = self._tables[quota] = _Table(quota, self._capacity)
            self._latest = (quota, table)
        return self._latest[1]

    def _tidy(self) -> None:
        """Forget quotas under which nobody is short of anything, each time there are twice as many as were left."""
        if len(self._tables) >= self._tidy_at:
            now = self._now()
            self._tables = {quota: table for quota, table in self._tables.items() if not table.is_idle(now)}
            self._tidy_at = max(TABLES, 2 * len(self._tables))


class _Table:
    """The clients of one quota, each with the time at which it will have all of its burst again (GCRA, ITU-T I.371).

    Whoever asked for nothing in a whole window has its burst again, and need not be remembered. So clients are noted in
    one dictionary for a window and looked up in the one before as well, which is then dropped as a whole. Where too
    many are known, others share places by their networks: strangers who come in millions limit each other, whoever was
    known before is counted as ever, and newcomers from elsewhere still get in.
    """

    def __init__(self, quota: Quota, capacity: int) -> None:
        self._step = step_of(quota)
        self._window = self._step * quota.burst
        self._capacity = capacity
        self._young: dict[str | int, int] = {}
        self._old: dict[str | int, int] = {}
        self._young_until = 0

    def is_idle(self, now: int) -> bool:
        """Whether all of its clients have their whole burst again."""
        return now >= self._young_until + self._window

    def take(self, key: str, now: int) -> Verdict:
        """Count one request."""
        if now >= self._young_until:
            self._old = self._young if now < self._young_until + self._window else {}
            self._young = {}
            self._young_until = now + self._window
        place: str | int = key
        full_at = self._young.get(key)
        if full_at is None:
            place = self._place(key)
            full_at = self._young.get(place) or self._old.get(place, 0)
        before = max(full_at, now)
        after = before + self._step
        spare = now + self._window - after
        if spare < 0:
            return Verdict(allowed=False, remaining=0, reset_after=(before - now) / 1e9, retry_after=-spare / 1e9)
        self._young[place] = after
        self._old.pop(place, None)
        return Verdict(allowed=True, remaining=spare // self._step, reset_after=(after - now) / 1e9)

    def put_back(self, key: str) -> None:
        """Uncount one request."""
        place = self._place(key)
        for known in (self._young, self._old):
            if place in known:
                known[place] -= self._step

    def _place(self, key: str) -> str | int:
        """Where a client is noted: under its own key, or one of a few that it shares with others."""
        if key in self._young or key in self._old or len(self._young) + len(self._old) < self._capacity:
            return key
        return hash(crowd_of(key)) % SHARED_PLACES


def step_of(quota: Quota) -> int:
    """In so many nanoseconds one request is regained."""
    return max(1, quota.window // _MICROSECOND * 1000 // quota.burst)
