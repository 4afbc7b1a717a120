"""What is worth counting, told to whoever counts: Prometheus where it is switched on, nobody otherwise."""

from typing import Protocol

from typing_extensions import override

from revenge_core.background import JobState
from revenge_core.entity import Entity
from revenge_core.jobs.entities import QueueInfo


class Meter(Protocol):
    """Takes note of what happened. Cheap enough for hot paths, never raises, and keeps no personal data."""

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered. `route` is the template of its path, empty where no route fits."""
        ...

    def limited(self, limiter: str, allowed: bool) -> None:  # noqa: FBT001 (the edge hands it on by position)
        """A limit of throughput counted a request: the limit's tier, and whether it let the request through."""
        ...

    def job_started(self, kind: str, waited: float) -> None:
        """A job began, so many seconds after it was due."""
        ...

    def job_ended(self, kind: str, state: str, seconds: float) -> None:
        """A run ended and took so long; `state` is where it left the job."""
        ...

    def claimed(self, jobs: int, seconds: float) -> None:
        """A claim brought so many jobs, possibly none."""
        ...

    def stored(self, runs: int, seconds: float) -> None:
        """So many ends of runs were stored in one transaction."""
        ...

    def rescued(self, jobs: int) -> None:
        """So many jobs were taken from lost workers."""
        ...

    def beat(self, late: float) -> None:
        """The worker renewed its lease, so many seconds later than it meant to."""
        ...

    def ticked(self, jobs: int, late: float) -> None:
        """Schedules enqueued so many jobs; the look came so many seconds later than it was meant to."""
        ...


class NoMeter(Meter):
    """Nobody counts."""

    @override
    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Not noted."""

    @override
    def limited(self, limiter: str, allowed: bool) -> None:
        """Not noted."""

    @override
    def job_started(self, kind: str, waited: float) -> None:
        """Not noted."""

    @override
    def job_ended(self, kind: str, state: str, seconds: float) -> None:
        """Not noted."""

    @override
    def claimed(self, jobs: int, seconds: float) -> None:
        """Not noted."""

    @override
    def stored(self, runs: int, seconds: float) -> None:
        """Not noted."""

    @override
    def rescued(self, jobs: int) -> None:
        """Not noted."""

    @override
    def beat(self, late: float) -> None:
        """Not noted."""

    @override
    def ticked(self, jobs: int, late: float) -> None:
        """Not noted."""


class CountedCache(Protocol):
    """What a cache counts itself, since telling a meter of each hit would cost more than the hit."""

    name: str
    hits: int
    misses: int

    @property
    def evictions(self) -> int:
        """How many values made room for others."""
        ...

    def __len__(self) -> int:
        """How many values it holds."""
        ...


class Vitals(Entity, kw_only=True):
    """What the database says about itself."""

    oldest_transaction: float
    """Seconds since the oldest transaction began that keeps dead rows from being cleaned up."""
    dead_jobs: int
    """Rows of the queue's table that wait to be cleaned up."""


class QueueView(Entity, kw_only=True):
    """What gauges show, read when they are asked for."""

    now: float
    queues: tuple[QueueInfo, ...]
    counts: dict[str, dict[JobState, int]]
    workers: int
    vitals: Vitals
