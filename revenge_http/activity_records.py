"""Entries of the audit log, as they go over the wire."""

from uuid import UUID

from msgspec import UNSET, UnsetType

from revenge_core.activity.entities import Entry, EntryPage, LogSummary, NamedEntry, Outcome
from revenge_http.paging import OnePage, opaque
from revenge_http.wire import Timestamp, Wire, present


class ActivityChange(Wire, kw_only=True):
    """One field before and after; null where it had no value."""

    before: str | bool | int | None
    after: str | bool | int | None


class ActivityMetadata(Wire, kw_only=True):
    """How it came about: who or what acted, with what, for whom, in which request."""

    actor_kind: str
    session_id: UUID | UnsetType = UNSET
    key_id: UUID | UnsetType = UNSET
    """The API key that was presented."""
    on_behalf_of: UUID | UnsetType = UNSET
    request_id: str | UnsetType = UNSET
    resource_key: str | UnsetType = UNSET
    """What it was done to, where that has a name."""


class ActivityLogEntry(Wire, kw_only=True):
    """One thing that somebody did, or tried to."""

    id: UUID
    user_id: UUID | UnsetType = UNSET
    username: str | UnsetType = UNSET
    """What they are called now."""
    action: str
    resource_type: str | UnsetType = UNSET
    resource_id: UUID | UnsetType = UNSET
    changes: dict[str, ActivityChange] | UnsetType = UNSET
    """By the name of the field."""
    metadata: ActivityMetadata | UnsetType = UNSET
    ip_address: str | UnsetType = UNSET
    user_agent: str | UnsetType = UNSET
    success: bool
    error_message: str | UnsetType = UNSET
    created_at: Timestamp

    @classmethod
    def of(
        cls, entry: Entry, *, username: str | None = None, metadata: ActivityMetadata | UnsetType = UNSET
    ) -> "ActivityLogEntry":
        """The same, for the wire."""
        changes = {
            name: ActivityChange(before=one.before, after=one.after) for name, one in sorted(entry.changes.items())
        }
        return cls(
            id=entry.id,
            user_id=present(entry.actor_id),
            username=present(username),
            action=entry.action.value,
            resource_type=present(entry.resource_type),
            resource_id=present(entry.resource_id),
            changes=changes or UNSET,
            metadata=metadata,
            ip_address=present(entry.address),
            user_agent=present(entry.user_agent),
            success=entry.outcome is Outcome.SUCCESS,
            error_message=present(entry.reason),
            created_at=entry.created_at,
        )

    @classmethod
    def of_named(cls, named: NamedEntry) -> "ActivityLogEntry":
        """All of it, for whoever may read what others did."""
        entry = named.entry
        metadata = ActivityMetadata(
            actor_kind=entry.actor_kind.value,
            session_id=present(entry.session_id),
            key_id=present(entry.key_id),
            on_behalf_of=present(entry.on_behalf_of),
            request_id=present(entry.request_id),
            resource_key=present(entry.resource_key),
        )
        return cls.of(entry, username=named.username, metadata=metadata)


class ActivityLogListResponse(OnePage, kw_only=True):
    """Some entries, the newest first, and how many there are.

    `total` is exact up to 10,000 entries; above that it is an estimate, and `total_is_exact` says so. `page` is missing
    where a cursor says where the page begins: nobody counted those before it.
    """

    entries: list[ActivityLogEntry]
    total: int
    total_is_exact: bool
    page: int | UnsetType = UNSET
    page_size: int

    @classmethod
    def of(cls, found: EntryPage, *, limit: int, offset: int | None) -> "ActivityLogListResponse":
        """The page that began at `offset`, or where a cursor said."""
        return cls(
            entries=[ActivityLogEntry.of_named(one) for one in found.entries],
            total=found.total.number,
            total_is_exact=found.total.is_exact,
            page=UNSET if offset is None else offset // limit + 1,
            page_size=limit,
            next_cursor=opaque(found.next_cursor),
        )


class ActivityStats(Wire, kw_only=True):
    """The log in a few figures. Counts are exact up to 10,000 entries, above that estimates."""

    total_count: int
    success_count: int
    failed_count: int
    counts_are_exact: bool
    oldest_entry: Timestamp | UnsetType = UNSET
    newest_entry: Timestamp | UnsetType = UNSET

    @classmethod
    def of(cls, summary: LogSummary) -> "ActivityStats":
        """The same, for the wire."""
        total, failed = summary.total, summary.failed
        return cls(
            total_count=total.number,
            success_count=max(0, total.number - failed.number),
            failed_count=failed.number,
            counts_are_exact=total.is_exact and failed.is_exact,
            oldest_entry=present(summary.oldest),
            newest_entry=present(summary.newest),
        )


class RecentAction(Wire, kw_only=True):
    """How often something was done; where `count_is_exact` is false, among the newest 100,000 entries."""

    action: str
    count: int
    count_is_exact: bool


class ActionCountListResponse(Wire, kw_only=True):
    """What was done in the last seven days, the most frequent first."""

    actions: list[RecentAction]
