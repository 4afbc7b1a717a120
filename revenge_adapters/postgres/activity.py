"""The audit log in PostgreSQL: partitioned by month, only ever added to (rulings R27, R28)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from msgspec.structs import asdict
from typing_extensions import override

from revenge_adapters.postgres.activity_unknown import RawNamedEntry, understood, word
from revenge_adapters.postgres.db import Database, Transaction
from revenge_adapters.postgres.migrate import AHEAD
from revenge_adapters.postgres.sql import Query, Replanned, SqlFile
from revenge_core.activity.entities import Action, ActionCount, Count, Edge, Entry, EntryFilter, NamedEntry
from revenge_core.activity.ports import ActivityLog, ActivityMonths, ActivityReader
from revenge_core.clock import Clock
from revenge_core.entity import Entity
from revenge_core.ids import EntryId

_TIMES_BEGIN: Final = datetime.min.replace(tzinfo=UTC)
_TIMES_END: Final = datetime.max.replace(tzinfo=UTC)
_TICK: Final = timedelta(microseconds=1)
_NO_ID: Final = EntryId(UUID(int=0))
_LAST_ID: Final = EntryId(UUID(int=2**128 - 1))
_ESTIMATES_LAST: Final = timedelta(minutes=1)
"""What is more than anybody counts grows, and gets no smaller: an estimate need not be made for each page."""
_MOST_ESTIMATES: Final = 1000
_LENGTHS: Final = (1, 4, 16, 0)
"""Months of the parts of the log that come after the newest."""


class Plan(Entity, kw_only=True, rename={"rows": "Plan Rows"}):
    """What PostgreSQL has in mind for a statement."""

    rows: int
    """How many it expects."""


class Explained(Entity, kw_only=True, rename={"plan": "Plan"}):
    """An item of the answer to EXPLAIN."""

    plan: Plan


class Done(Entity, kw_only=True):
    """How often something was done, among how many entries."""

    action: str
    done: int
    looked_at: int


class Sql(SqlFile, file="activity.sql"):
    """The statements of the audit log."""

    add: Query[None]
    newest: Replanned[NamedEntry]
    oldest: Replanned[NamedEntry]
    count_up_to: Replanned[int]
    estimate: Replanned[tuple[Explained, ...]]
    oldest_time: Query[datetime]
    actions: Replanned[Done]
    make_partitions: Query[int]


_RAW: Final[dict[Query[NamedEntry], Query[RawNamedEntry]]] = {
    query: Replanned[RawNamedEntry](f"{query.name}_raw", query.text.decode(), RawNamedEntry)
    for query in (Sql.newest, Sql.oldest)
}


class PostgresActivityLog(ActivityLog):
    """The transaction's end of the log."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @override
    async def add(self, entry: Entry) -> None:
        changes = msgspec.json.encode(entry.changes).decode()
        self._transaction.later(Sql.add, **{**asdict(entry), "changes": changes})


class PostgresActivityMonths(ActivityMonths):
    """The log's partitions. Making one keeps everybody from the log until the transaction ends."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @override
    async def make_ahead(self, now: datetime) -> int:
        return await self._transaction.one(Sql.make_partitions, since=now, upto=now + AHEAD) or 0


class PostgresActivityReader(ActivityReader):
    """The reading end.

    With its default partition PostgreSQL cannot know that partitions follow each other: whatever is to come in order
    of time it would look for in all of them. So the time is asked for part by part, the newest first.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._estimates = dict[EntryFilter, tuple[datetime, Count]]()

    @override
    async def newest(
        self, wanted: EntryFilter, *, limit: int, before: Edge | None = None, skip: int = 0
    ) -> tuple[NamedEntry, ...]:
        since, until = _span(wanted)
        last = Edge(at=until, id=_LAST_ID)
        if before is not None and before.at <= until:
            last = before
        found: list[NamedEntry] = []
        for start, end in parts(since, last.at, self._clock.now()):
            part = _conditions(wanted) | {"since": start, "until": end}
            edge = last.id if end == last.at else _LAST_ID
            rows = await self._entries(Sql.newest, **part, before=edge, limit=limit - len(found), skip=skip)
            found += rows
            if len(found) == limit:
                break
            if rows:
                skip = 0
            elif skip:
                skip -= await self._database.one(Sql.count_up_to, **part, limit=skip) or 0
        return tuple(found)

    @override
    async def oldest(self, wanted: EntryFilter, *, limit: int, after: Edge | None = None) -> tuple[NamedEntry, ...]:
        since, until = _span(wanted)
        first = Edge(at=since, id=_NO_ID) if after is None or after.at < since else after
        return await self._entries(
            Sql.oldest, **_conditions(wanted), since=first.at, after=first.id, until=until, limit=limit
        )

    async def _entries(self, query: Query[NamedEntry], **parameters: object) -> tuple[NamedEntry, ...]:
        try:
            return await self._database.all(query, **parameters)
        except msgspec.ValidationError:  # words that this version does not know
            return tuple(map(understood, await self._database.all(_RAW[query], **parameters)))

    @override
    async def count(self, wanted: EntryFilter, *, exact_up_to: int) -> Count:
        since, until = _span(wanted)
        conditions, left, now = _conditions(wanted), exact_up_to + 1, self._clock.now()
        estimated_at, estimate = self._estimates.get(wanted, (now, None))
        if estimate is not None and estimate.number > exact_up_to and now - estimated_at < _ESTIMATES_LAST:
            return estimate
        for start, end in parts(since, until, now):
            part = conditions | {"since": start, "until": end}
            left -= await self._database.one(Sql.count_up_to, **part, limit=left) or 0
            if not left:
                plans = await self._database.one(Sql.estimate, **conditions, since=since, until=until) or ()
                rows = max((explained.plan.rows for explained in plans), default=0)
                estimate = Count(number=max(rows, exact_up_to + 1), is_exact=False)
                if len(self._estimates) >= _MOST_ESTIMATES:
                    self._estimates.clear()
                self._estimates[wanted] = now, estimate
                return estimate
        return Count(number=exact_up_to + 1 - left)

    @override
    async def oldest_time(self) -> datetime | None:
        return await self._database.one(Sql.oldest_time)

    @override
    async def actions(self, *, since: datetime, limit: int, among: int) -> tuple[ActionCount, ...]:
        rows = await self._database.all(Sql.actions, since=since, limit=limit, among=among + 1)
        return tuple(
            ActionCount(action=word(Action, row.action), count=Count(number=row.done, is_exact=row.looked_at <= among))
            for row in rows
        )


def parts(since: datetime, until: datetime, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The time from `since` to `until`, both inclusive, in parts that get longer, the newest first.

    The first is the month of `until`, or this one with all that is to come: new entries are there, and mostly enough of
    them. The last is all that is left.
    """
    month = min(until, now).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for months in _LENGTHS:
        if month <= since:
            break
        yield month, until
        until = month - _TICK
        month = _months_before(month, months)
    yield since, until


def _months_before(month: datetime, number: int) -> datetime:
    year, index = divmod(month.year * 12 + month.month - 1 - number, 12)
    return month.replace(year=year, month=index + 1) if year > 0 else _TIMES_BEGIN


def _span(wanted: EntryFilter) -> tuple[datetime, datetime]:
    return wanted.since or _TIMES_BEGIN, wanted.until or _TIMES_END


def _conditions(wanted: EntryFilter) -> dict[str, object]:
    """All but the times."""
    return {name: value for name, value in asdict(wanted).items() if name not in {"since", "until"}}


async def make_partitions(database: Database, now: datetime) -> int:
    """Make the partitions of this month and the two after it that are missing; how many. Every start calls it.

    Raises:
        DatabaseUnavailable: not all could be made; entries of months without one go to the default partition meanwhile.
    """
    return await database.one(Sql.make_partitions, since=now, upto=now + AHEAD) or 0
