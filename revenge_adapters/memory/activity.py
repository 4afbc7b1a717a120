"""The audit log in memory."""

from collections import Counter
from datetime import datetime

from typing_extensions import override

from revenge_adapters.memory.seals import noted
from revenge_adapters.memory.tables import MemoryTables, Rows
from revenge_core.activity.entities import ActionCount, Count, Edge, Entry, EntryFilter, NamedEntry
from revenge_core.activity.ports import ActivityLog, ActivityMonths, ActivityReader
from revenge_core.ids import EntryId


class MemoryActivityLog(ActivityLog):
    """The transaction's end."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    @override
    async def add(self, entry: Entry) -> None:
        self._rows.activity[entry.id] = entry
        self._rows.activity_unsealed[entry.id] = noted(entry)


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
    async def newest(
        self, wanted: EntryFilter, *, limit: int, before: Edge | None = None, skip: int = 0
    ) -> tuple[NamedEntry, ...]:
        chosen = [one for one in self._fitting(wanted) if before is None or _place(one) < (before.at, before.id)]
        return tuple(map(self._named, chosen[::-1][skip : skip + limit]))

    @override
    async def oldest(self, wanted: EntryFilter, *, limit: int, after: Edge | None = None) -> tuple[NamedEntry, ...]:
        chosen = [one for one in self._fitting(wanted) if after is None or _place(one) > (after.at, after.id)]
        return tuple(map(self._named, chosen[:limit]))

    @override
    async def count(self, wanted: EntryFilter, *, exact_up_to: int) -> Count:
        number = len(self._fitting(wanted))
        return Count(number=number, is_exact=number <= exact_up_to)

    @override
    async def oldest_time(self) -> datetime | None:
        return min((entry.created_at for entry in self._tables.rows.activity.values()), default=None)

    @override
    async def actions(self, *, since: datetime, limit: int, among: int) -> tuple[ActionCount, ...]:
        recent = self._fitting(EntryFilter(since=since))[::-1][: among + 1]
        done = Counter(one.action for one in recent)
        ordered = sorted(done, key=lambda action: (-done[action], action))
        return tuple(
            ActionCount(action=one, count=Count(number=done[one], is_exact=len(recent) <= among))
            for one in ordered[:limit]
        )

    def _fitting(self, wanted: EntryFilter) -> list[Entry]:
        return sorted((one for one in self._tables.rows.activity.values() if _fits(one, wanted)), key=_place)

    def _named(self, entry: Entry) -> NamedEntry:
        user = None if entry.actor_id is None else self._tables.rows.users.get(entry.actor_id)
        return NamedEntry(entry=entry, username=user.username if user else None)


def _place(entry: Entry) -> tuple[datetime, EntryId]:
    return entry.created_at, entry.id


def _fits(entry: Entry, wanted: EntryFilter) -> bool:
    return (
        wanted.actor_id in {None, entry.actor_id}
        and wanted.action in {None, entry.action}
        and wanted.resource_type in {None, entry.resource_type}
        and wanted.resource_id in {None, entry.resource_id}
        and wanted.outcome in {None, entry.outcome}
        and wanted.address in {None, entry.address}
        and (wanted.since is None or entry.created_at >= wanted.since)
        and (wanted.until is None or entry.created_at <= wanted.until)
    )
