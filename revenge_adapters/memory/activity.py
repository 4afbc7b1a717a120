"""The audit log in memory."""

from datetime import datetime

from typing_extensions import override

from revenge_adapters.memory.tables import MemoryTables, Rows
from revenge_core.activity.entities import Entry
from revenge_core.activity.ports import ActivityLog, ActivityMonths, ActivityReader
from revenge_core.ids import EntryId, UserId


class MemoryActivityLog(ActivityLog):
    """The transaction's end."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    @override
    async def add(self, entry: Entry) -> None:
        self._rows.activity[entry.id] = entry


class MemoryActivityMonths(ActivityMonths):
    """The months that were prepared; entries are kept without that as well."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    @override
    async def make_ahead(self, now: datetime) -> int:
        this = now.year * 12 + now.month - 1
        wanted = {f"{month // 12:04}-{month % 12 + 1:02}" for month in range(this, this + 3)}
        missing = wanted - self._rows.activity_months
        self._rows.activity_months |= missing
        return len(missing)


class MemoryActivityReader(ActivityReader):
    """The reading end."""

    def __init__(self, tables: MemoryTables) -> None:
        self._tables = tables

    @override
    async def newest(self, *, limit: int, before: EntryId | None, actor_id: UserId | None) -> tuple[Entry, ...]:
        entries = self._tables.rows.activity
        if before is not None and before not in entries:
            return ()
        chosen = (entry for entry in entries.values() if actor_id is None or entry.actor_id == actor_id)
        if before is not None:
            edge = entries[before]
            chosen = (entry for entry in chosen if (entry.created_at, entry.id) < (edge.created_at, edge.id))
        return tuple(sorted(chosen, key=lambda entry: (entry.created_at, entry.id), reverse=True)[:limit])
