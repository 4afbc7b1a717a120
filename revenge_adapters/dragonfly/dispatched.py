"""What a relay has handed on, and how long nobody has said anything about it."""

import asyncio
from collections.abc import Collection, Iterable, Iterator
from datetime import timedelta
from typing import Final

from msgspec.structs import replace

from revenge_core.entity import Entity
from revenge_core.jobs.entities import Claimed, JobKey

WAITS_FOR: Final = 1.25
"""Share of the lease for which a job waits for a stream worker. Workers take none that waited for a whole lease."""
SILENT_FOR: Final = 0.4
"""Share of the lease after which a run counts as lost that no announcement names any more. Workers announce themselves
four times per lease, and what they said last is good for three quarters of one: in all that is a little more than a
lease after a worker was last heard of."""


class Run(Entity, kw_only=True):
    """One job on its way."""

    job: Claimed
    stream: str
    entry: bytes | None = None
    """Where in the stream; None while, or because, the server has not said."""
    forgiven: bool = False
    """Should nothing be heard of it, that is nobody's fault."""


class _Heard:
    def __init__(self, run: Run, at: float) -> None:
        self.run = run
        self.at = at
        self.started = False


class Dispatched:
    """Counts only time in which the relay could have heard of a run."""

    def __init__(self, lease: timedelta) -> None:
        self._lease = lease.total_seconds()
        self._heard: dict[JobKey, _Heard] = {}
        self._time = 0.0
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._heard)

    def __iter__(self) -> Iterator[Run]:
        return iter([heard.run for heard in self._heard.values()])

    def keys(self) -> frozenset[JobKey]:
        """All of it."""
        return frozenset(self._heard)

    def put(self, runs: Iterable[Run]) -> None:
        """They are handed on, or it is known where they are."""
        for run in runs:
            known = self._heard.get(run.job.key)
            if known is None:
                self._heard[run.job.key] = _Heard(run, self._time)
                self._empty.clear()
            else:
                known.run = run

    def remove(self, keys: Iterable[JobKey]) -> None:
        """The relay has nothing to do with them any more."""
        for key in keys:
            self._heard.pop(key, None)
        if not self._heard:
            self._empty.set()

    async def gone(self) -> None:
        """Wait until there is none."""
        await self._empty.wait()

    def listened(self, seconds: float) -> None:
        """So much time passed, and the relay would have heard."""
        self._time += seconds

    def forgive(self) -> None:
        """What was said of all that is out may be gone."""
        for heard in self._heard.values():
            heard.run = replace(heard.run, forgiven=True)

    def mention(self, keys: Iterable[JobKey]) -> None:
        """Some worker runs them."""
        for key in keys:
            if heard := self._heard.get(key):
                heard.at = self._time
                heard.started = True

    def waiting(self, among: Collection[JobKey] | None = None) -> list[Run]:
        """Those that nobody runs yet."""
        return [
            heard.run for key, heard in self._heard.items() if not heard.started and (among is None or key in among)
        ]

    def forgotten(self) -> list[Run]:
        """Those that nobody has taken for too long."""
        return self._silent(started=False, seconds=WAITS_FOR * self._lease)

    def abandoned(self) -> list[Run]:
        """Those that nobody will take now that no worker is left, such as what the last one gave back on its way out.

        Whatever was lost with the server is waited for all the same: its workers may not have said yet that they live.
        """
        return [run for run in self.waiting() if not run.forgiven] + [run for run in self.forgotten() if run.forgiven]

    def lost(self) -> list[Run]:
        """Those that somebody ran, and of which nothing was heard for too long."""
        return self._silent(started=True, seconds=SILENT_FOR * self._lease)

    def _silent(self, *, started: bool, seconds: float) -> list[Run]:
        before = self._time - seconds
        return [one.run for one in self._heard.values() if one.started is started and one.at < before]
