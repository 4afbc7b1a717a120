"""What a relay and stream workers tell each other through Dragonfly: names of keys, and records.

Jobs wait in one stream for each queue and priority, and only so many as there are places for. Who takes one deletes its
entry: of two who try, the one that deleted it has it. What a worker runs and what a relay orders is state under keys
that expire, not messages: whoever looks sees it, and nothing grows.
"""

from typing import Final

from revenge_adapters.dragonfly.envelopes import Envelopes
from revenge_core.background import ItemOutcome, Progress
from revenge_core.entity import Entity
from revenge_core.jobs.entities import Claimed, Finish, JobKey

TOPIC: Final = "streams"
"""Of signals for stream workers."""
GROUP: Final = "workers"
FIELD: Final = "is"
PRIORITIES: Final = (1, 2, 3, 4)


class Keys:
    """What stands where. Each message is sealed for its key."""

    def __init__(self, envelopes: Envelopes) -> None:
        self._name = envelopes.name
        self.done = self._name("streams", "done")
        """A stream of how runs ended and what they reported, until the database has it."""
        self.leader = self._name("streams", "leader")
        """Which relay hands jobs on and takes results; others stand by."""
        self.workers = self._name("streams", "workers")
        """A set of those that have announced themselves."""

    def queue(self, queue: str, priority: int) -> str:
        """The stream in which such jobs wait."""
        return self._name("streams", "queue", queue, priority)

    def worker(self, worker_id: str) -> str:
        """Where a stream worker announces itself."""
        return self._name("streams", "worker", worker_id)

    def relay(self, relay_id: str) -> str:
        """Where a relay puts its orders."""
        return self._name("streams", "relay", relay_id)


class Dispatch(Entity, kw_only=True):
    """A job on its way to a stream worker. The relay holds the claim."""

    relay: str
    job: Claimed


class Announcement(Entity, kw_only=True):
    """What a stream worker can take, and what it runs."""

    kinds: frozenset[str]
    slots: dict[str, int]
    """How many at a time, by queue."""
    free: dict[str, int]
    running: dict[str, tuple[JobKey, ...]]
    """By the relay that they came from. Runs whose end is not handed on yet are among them."""


class Orders(Entity, kw_only=True):
    """What a relay wants of those that run its jobs."""

    cancel: tuple[JobKey, ...] = ()
    lost: tuple[JobKey, ...] = ()
    """Somebody announces these, and they are not this relay's any more."""


class Reported(Entity, kw_only=True):
    """How far a run is."""

    key: JobKey
    progress: Progress
    items: tuple[ItemOutcome, ...]


class Done(Entity, kw_only=True):
    """What a stream worker has to say for the database. Nothing: that it has come."""

    finishes: tuple[Finish, ...] = ()
    reports: tuple[Reported, ...] = ()
