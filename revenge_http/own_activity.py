"""`/users/me/activity`: what one did oneself, as the audit log has it."""

from msgspec import UNSET, UnsetType

from revenge_core.activity.errors import CursorInvalid
from revenge_http.access import signed_in
from revenge_http.activity_records import ActivityLogEntry
from revenge_http.answers import Answer
from revenge_http.operations import Call, operation
from revenge_http.paging import DEFAULT_LIMIT, Cursor, Limit, OnePage, answer_with, opaque, opened


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
