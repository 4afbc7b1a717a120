"""What the audit log needs from outside."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from revenge_core.activity.entities import (
    ActionCount,
    Backlog,
    Checkpoint,
    Count,
    Edge,
    Entry,
    EntryFilter,
    Look,
    NamedEntry,
    Recorded,
    Retention,
    Seal,
    Signature,
    Unsealed,
)
from revenge_core.background import JobsTx
from revenge_core.ids import EntryId, UserId


class ActivityLog(Protocol):
    """The transaction's end of the log, reached as `tx.activity`. It can only add."""

    async def add(self, entry: Entry) -> None:
        """Write `entry` if, and only if, this transaction commits."""
        ...


class ActivityMonths(Protocol):
    """Where the log's entries lie, month by month; reached as `tx.activity_months`."""

    async def make_ahead(self, now: datetime) -> int:
        """Prepare this month and at least the two after it, in UTC (rulings R28); how many were not prepared yet."""
        ...


class ActivityReader(Protocol):
    """The reading end. The order of the log is that of (created_at, id)."""

    async def newest(
        self, wanted: EntryFilter, *, limit: int, before: Edge | None = None, skip: int = 0
    ) -> tuple[NamedEntry, ...]:
        """Up to `limit` entries that fit, newest first: those before that edge, and of them all but the first `skip`.

        What it costs does not depend on how long the log is, but on `limit` and `skip`.
        """
        ...

    async def oldest(self, wanted: EntryFilter, *, limit: int, after: Edge | None = None) -> tuple[NamedEntry, ...]:
        """Up to `limit` entries that fit, oldest first, after that edge."""
        ...

    async def count(self, wanted: EntryFilter, *, exact_up_to: int) -> Count:
        """How many entries fit: exact if there are no more than `exact_up_to`, else an estimate above it."""
        ...

    async def oldest_time(self) -> datetime | None:
        """When the first entry of all was written; None of an empty log."""
        ...

    async def actions(self, *, since: datetime, limit: int, among: int) -> tuple[ActionCount, ...]:
        """What was done since then, the most frequent first, then by name.

        It is counted among the newest `among` entries of that time; where there are more, no count is exact.
        """
        ...


class ActivityTx(Protocol):
    """A transaction that can write audit entries."""

    @property
    def activity(self) -> ActivityLog:
        """The log."""
        ...


class ActivityMonthsTx(JobsTx, Protocol):
    """A transaction that can prepare months for the log."""

    @property
    def activity_months(self) -> ActivityMonths:
        """Its months."""
        ...


class ActivitySeals(Protocol):
    """The transaction's end of what proves that the log is whole, reached as `tx.activity_seals`.

    The application can have the store do these things; it can write neither seals nor entries itself (rulings R27).
    """

    async def seal(self, limit: int) -> int:
        """Put up to `limit` of the entries that wait into the chain; how many. Several at once take turns."""
        ...

    async def add_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Keep a checkpoint. One of the same number that is there already stays."""
        ...

    async def mark_shipped(self, upto: int, at: datetime) -> None:
        """Checkpoints up to that number are kept elsewhere now."""
        ...

    async def erase(self, user_id: UserId, limit: int) -> int:
        """Erase what tells of the user from up to `limit` entries by or about them; in how many there was something.

        Entries that say that somebody was erased stay as they are (`OF_THE_ERASED`).

        Raises:
            ErasureRefused: the account is there, deleted or not; or the log does not say that it was erased.
        """
        ...

    async def drop(self, before: datetime, at: datetime) -> Retention | None:
        """Drop entries of one month that ended by `before`, or some that lie in no prepared month; None if no more.

        Seals that only such entries need may go with `drop_seals`.

        Raises:
            RetentionRefused: entries less than 30 days old would go, or some that are not sealed.
        """
        ...

    async def sign_retention(self, number: int, signature: Signature) -> None:
        """Say who vouches for it. Only in the transaction of `drop`: what is signed stays so."""
        ...

    async def drop_seals(self, limit: int) -> int:
        """Drop up to `limit` seals and checkpoints that the latest retention makes needless; how many seals."""
        ...


class SealReader(Protocol):
    """The reading end of seals. It shows what is there, whether that can be true or not."""

    async def seals(self, *, after: int, limit: int) -> tuple[Seal, ...]:
        """Seals with larger numbers, in their order."""
        ...

    async def last(self) -> Seal | None:
        """The one with the largest number."""
        ...

    async def rows(self, entries: Sequence[Seal | Unsealed]) -> Mapping[EntryId, Recorded]:
        """The entries that these stand for, as far as they are there with the same time."""
        ...

    async def hashes(self, sequences: Sequence[int]) -> Mapping[int, bytes]:
        """What the chain came to with each of these seals, as far as they are there."""
        ...

    async def waiting(self, *, after: Unsealed | None, limit: int) -> tuple[Unsealed, ...]:
        """Entries that are not sealed yet, by time and id."""
        ...

    async def backlog(self) -> Backlog:
        """How many wait, and since when."""
        ...

    async def looks(self, *, after: Look | None, since: datetime | None, limit: int) -> tuple[Look, ...]:
        """Entries of the log, by time and id, from `since` on; of each its seal, and whether it waits for one."""
        ...

    async def checkpoints(self, *, after: int, limit: int) -> tuple[Checkpoint, ...]:
        """Checkpoints with larger numbers, in their order."""
        ...

    async def newest_checkpoint(self, *, by: datetime | None = None) -> Checkpoint | None:
        """The one with the largest number, of those that were made by then."""
        ...

    async def unshipped(self, *, limit: int) -> tuple[Checkpoint, ...]:
        """Checkpoints that are kept nowhere else, in their order."""
        ...

    async def retention(self) -> Retention | None:
        """The latest."""
        ...

    async def retentions(self, *, after: int, limit: int) -> tuple[Retention, ...]:
        """Those with larger numbers, in their order."""
        ...

    async def purged(self, ids: Sequence[UUID]) -> frozenset[UUID]:
        """Those of these accounts of which the log says that they were erased."""
        ...


class CheckpointSigner(Protocol):
    """Signs what the chain came to, with a key that only holders of the master secret have."""

    def sign(self, message: bytes) -> Signature:
        """A signature of `message`, with what is needed to check it."""
        ...

    def is_genuine(self, message: bytes, signature: Signature, trusted: frozenset[bytes]) -> bool:
        """Whether this server's key made it, or that of one of the `trusted` public keys."""
        ...


class CheckpointShipper(Protocol):
    """Takes checkpoints off the box (ASVS 16.4.3)."""

    @property
    def is_on(self) -> bool:
        """Whether there is anywhere to take them."""
        ...

    async def ship(self, checkpoints: Sequence[Checkpoint]) -> None:
        """Hand them over, in order. Once this returns they are safe; after a failure some may come twice.

        Raises:
            ShippingFailed: nothing says that they arrived.
        """
        ...


class ActivitySealsTx(ActivityTx, ActivityMonthsTx, Protocol):
    """A transaction that can seal."""

    @property
    def activity_seals(self) -> ActivitySeals:
        """The seals."""
        ...
