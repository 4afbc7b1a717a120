"""`/admin/activity`: the audit log, for those who may read what others did."""

from typing import Annotated, Final
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from revenge_core.activity.entities import Action, EntryFilter, ExportForm, Outcome
from revenge_core.activity.errors import CursorInvalid
from revenge_core.activity.service.reading import DEEPEST, MOST_ACTIONS
from revenge_core.ids import UserId
from revenge_core.permissions import Permission
from revenge_http.access import needs
from revenge_http.activity_records import (
    ActionCountListResponse,
    ActivityLogListResponse,
    ActivityStats,
    RecentAction,
)
from revenge_http.answers import Answer
from revenge_http.operations import Call, operation
from revenge_http.paging import DEFAULT_LIMIT, Cursor, answer_with, opened
from revenge_http.poured import PouredAnswer
from revenge_http.wire import Timestamp, given

_ACTIVITY: Final = "/api/v1/admin/activity"
_MEDIA_TYPES: Final = {ExportForm.CSV: "text/csv; charset=utf-8", ExportForm.NDJSON: "application/x-ndjson"}

_Limit = Annotated[int, Meta(ge=1, le=100)]
_Offset = Annotated[int, Meta(ge=0, le=DEEPEST)]
_ActionLimit = Annotated[int, Meta(ge=1, le=MOST_ACTIONS)]
_Kind = Annotated[str, Meta(min_length=1, max_length=50)]
_Address = Annotated[str, Meta(min_length=1, max_length=45)]
_After = Annotated[str, Meta(min_length=1, max_length=100)]
_reading = needs(Permission.AUDIT_READ)


@operation(
    "GET", _ACTIVITY, "searchActivityLogs", _reading, answers={200: ActivityLogListResponse}, raises=(CursorInvalid,)
)
async def search(
    call: Call,
    user_id: UUID | UnsetType = UNSET,
    action: Action | UnsetType = UNSET,
    resource_type: _Kind | UnsetType = UNSET,
    resource_id: UUID | UnsetType = UNSET,
    success: bool | UnsetType = UNSET,  # noqa: FBT001 (a query parameter)
    ip_address: _Address | UnsetType = UNSET,
    start_time: Timestamp | UnsetType = UNSET,
    end_time: Timestamp | UnsetType = UNSET,
    limit: _Limit = DEFAULT_LIMIT,
    offset: _Offset | UnsetType = UNSET,
    cursor: Cursor | UnsetType = UNSET,
) -> Answer:
    """What was done, the newest first: all that is given fits exactly. Beyond 10,000 entries only a cursor leads on."""
    wanted = EntryFilter(
        actor_id=_user(user_id),
        action=given(action),
        resource_type=given(resource_type),
        resource_id=given(resource_id),
        outcome=_outcome(success),
        address=given(ip_address),
        since=given(start_time),
        until=given(end_time),
    )
    return await _page(call, wanted, limit, offset, cursor)


@operation(
    "GET",
    f"{_ACTIVITY}/users/{{userId}}",
    "getUserActivityLogs",
    _reading,
    answers={200: ActivityLogListResponse},
    raises=(CursorInvalid,),
)
async def of_user(
    call: Call,
    user_id: UUID,
    limit: _Limit = DEFAULT_LIMIT,
    offset: _Offset | UnsetType = UNSET,
    cursor: Cursor | UnsetType = UNSET,
) -> Answer:
    """What one user did, the newest first; nothing of one whom nobody knows."""
    return await _page(call, EntryFilter(actor_id=UserId(user_id)), limit, offset, cursor)


@operation(
    "GET",
    f"{_ACTIVITY}/resources/{{resourceType}}/{{resourceId}}",
    "getResourceActivityLogs",
    _reading,
    answers={200: ActivityLogListResponse},
    raises=(CursorInvalid,),
)
async def of_resource(
    call: Call,
    resource_type: _Kind,
    resource_id: UUID,
    limit: _Limit = DEFAULT_LIMIT,
    offset: _Offset | UnsetType = UNSET,
    cursor: Cursor | UnsetType = UNSET,
) -> Answer:
    """What was done to one thing, the newest first."""
    wanted = EntryFilter(resource_type=resource_type, resource_id=resource_id)
    return await _page(call, wanted, limit, offset, cursor)


async def _page(
    call: Call, wanted: EntryFilter, limit: int, offset: int | UnsetType, cursor: str | UnsetType
) -> Answer:
    start = 0 if offset is UNSET else offset
    found = await call.revenge.audit_reading.find(call.actor, wanted, limit=limit, offset=start, cursor=opened(cursor))
    begun = start if cursor is UNSET else None
    return answer_with(call, ActivityLogListResponse.of(found, limit=limit, offset=begun))


@operation("GET", f"{_ACTIVITY}/stats", "getActivityStats", _reading)
async def stats(call: Call) -> ActivityStats:
    """The log in a few figures."""
    return ActivityStats.of(await call.revenge.audit_reading.summary(call.actor))


@operation("GET", f"{_ACTIVITY}/actions", "getRecentActions", _reading)
async def recent_actions(call: Call, limit: _ActionLimit = 20) -> ActionCountListResponse:
    """What was done in the last seven days, the most frequent first."""
    found = await call.revenge.audit_reading.recent_actions(call.actor, limit=limit)
    return ActionCountListResponse(
        actions=[
            RecentAction(action=one.action.value, count=one.count.number, count_is_exact=one.count.is_exact)
            for one in found
        ]
    )


@operation(
    "GET",
    f"{_ACTIVITY}/export",
    "exportActivityLogs",
    needs(Permission.AUDIT_EXPORT),
    answers={200: None},
    pours=("application/x-ndjson", "text/csv"),
    raises=(CursorInvalid,),
)
async def export(
    call: Call,
    format: ExportForm = ExportForm.NDJSON,  # noqa: A002 (the parameter's name)
    after: _After | UnsetType = UNSET,
    user_id: UUID | UnsetType = UNSET,
    action: Action | UnsetType = UNSET,
    resource_type: _Kind | UnsetType = UNSET,
    resource_id: UUID | UnsetType = UNSET,
    success: bool | UnsetType = UNSET,  # noqa: FBT001 (a query parameter)
    ip_address: _Address | UnsetType = UNSET,
    start_time: Timestamp | UnsetType = UNSET,
    end_time: Timestamp | UnsetType = UNSET,
) -> Answer:
    """All that fits, the oldest first, up to half a minute ago; `after` is the `cursor` of the last entry one has."""
    wanted = EntryFilter(
        actor_id=_user(user_id),
        action=given(action),
        resource_type=given(resource_type),
        resource_id=given(resource_id),
        outcome=_outcome(success),
        address=given(ip_address),
        since=given(start_time),
        until=given(end_time),
    )
    exported = await call.revenge.audit_reading.export(call.actor, format, wanted, after=given(after))
    name = f"revenge-activity.{format.value}"
    return PouredAnswer(aiter(exported), media_type=_MEDIA_TYPES[format], filename=name)


def _user(user_id: UUID | UnsetType) -> UserId | None:
    return None if user_id is UNSET else UserId(user_id)


def _outcome(success: bool | UnsetType) -> Outcome | None:  # noqa: FBT001 (what a parameter says)
    if success is UNSET:
        return None
    return Outcome.SUCCESS if success else Outcome.FAILURE


operations = (search, of_user, of_resource, stats, recent_actions, export)
