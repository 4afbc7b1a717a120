"""What the audit log needs from outside."""

from datetime import datetime
from typing import Protocol

from revenge_core.activity.entities import Entry
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
    """The reading end."""

    async def newest(self, *, limit: int, before: EntryId | None, actor_id: UserId | None) -> tuple[Entry, ...]:
        """Up to `limit` entries older than `before` (from the newest if None), newest first, by (created_at, id).

        `actor_id` narrows to what one user did. An unknown `before` gives nothing.
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
