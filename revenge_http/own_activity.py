"""`/users/me/activity`: what one did oneself, as the audit log has it."""

from uuid import UUID

from msgspec import UNSET, UnsetType

from revenge_core.activity.entities import Entry, Outcome
from revenge_core.activity.errors import CursorInvalid
from revenge_http.access import signed_in
from revenge_http.answers import Answer
from revenge_http.operations import Call, operation
from revenge_http.paging import DEFAULT_LIMIT, Cursor, Limit, OnePage, answer_with, opaque, opened
from revenge_http.wire import Timestamp, Wire, present


class ActivityChange(Wire, kw_only=True):
    """One field before and after; null where it had no value."""

    before: str | bool | int | None
    after: str | bool | int | None


class ActivityLogEntry(Wire, kw_only=True):
    """One thing that somebody did, or tried to."""

    id: UUID
    user_id: UUID | UnsetType = UNSET
    action: str
    resource_type: str | UnsetType = UNSET
    resource_id: UUID | UnsetType = UNSET
    changes: dict[str, ActivityChange] | UnsetType = UNSET
    """By the name of the field."""
    ip_address: str | UnsetType = UNSET
    user_agent: str | UnsetType = UNSET
    success: bool
    error_message: str | UnsetType = UNSET
    created_at: Timestamp

    @classmethod
    def of(cls, entry: Entry) -> "ActivityLogEntry":
        """The same, for the wire."""
        changes = {
            name: ActivityChange(before=one.before, after=one.after) for name, one in sorted(entry.changes.items())
        }
        return cls(
            id=entry.id,
            user_id=present(entry.actor_id),
            action=entry.action.value,
            resource_type=present(entry.resource_type),
            resource_id=present(entry.resource_id),
            changes=changes or UNSET,
            ip_address=present(entry.address),
            user_agent=present(entry.user_agent),
            success=entry.outcome is Outcome.SUCCESS,
            error_message=present(entry.reason),
            created_at=entry.created_at,
        )


class OwnActivity(OnePage, kw_only=True):
    """What one did, the latest first."""

    entries: list[ActivityLogEntry]


@operation(
    "GET",
    "/api/v1/users/me/activity",
    "getOwnActivity",
    signed_in(),
    answers={200: OwnActivity},
    raises=(CursorInvalid,),
)
async def list_own(call: Call, limit: Limit = DEFAULT_LIMIT, cursor: Cursor | UnsetType = UNSET) -> Answer:
    """What one did oneself, the latest first; what concerns other people's accounts without their data."""
    page = await call.revenge.activity.own(call.actor, limit=limit, cursor=opened(cursor))
    entries = [ActivityLogEntry.of(entry) for entry in page.items]
    return answer_with(call, OwnActivity(entries=entries, next_cursor=opaque(page.next_cursor)))


operations = (list_own,)
