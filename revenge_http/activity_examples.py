"""Examples of records of the audit log, for the documentation."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from revenge_core.activity.entities import Action
from revenge_core.actor import ActorKind
from revenge_http.activity_records import (
    ActionCountListResponse,
    ActivityChange,
    ActivityLogEntry,
    ActivityLogListResponse,
    ActivityMetadata,
    ActivityStats,
    RecentAction,
)
from revenge_http.wire import Wire

_THEN: Final = datetime(2026, 2, 14, 10, tzinfo=UTC)
_ADA: Final = UUID("019c5b1e-5e00-7000-8000-000000000001")

OWN_ENTRY: Final = ActivityLogEntry(
    id=UUID("019c5b1e-5e00-7000-8000-000000000005"),
    user_id=_ADA,
    action=Action.USER_UPDATE.value,
    resource_type="user",
    resource_id=_ADA,
    changes={"display_name": ActivityChange(before=None, after="Ada")},
    ip_address="192.0.2.7",
    user_agent="RevengeTV/2.1",
    success=True,
    created_at=_THEN,
)
_entry: Final = replace(
    OWN_ENTRY,
    username="ada",
    metadata=ActivityMetadata(
        actor_kind=ActorKind.USER.value,
        session_id=UUID("019c5b1e-5e00-7000-8000-000000000003"),
        request_id="019c5b1e5e007000a000000000000007",
    ),
)

ACTIVITY_EXAMPLES: Final[tuple[Wire, ...]] = (
    ActivityLogListResponse(
        entries=[_entry],
        total=48_211,
        total_is_exact=False,
        page=1,
        page_size=1,
        next_cursor="MTc3MTA2MzIwMDAwMDAwMC4wMTljNWIxZQ",
    ),
    ActivityStats(
        total_count=4811,
        success_count=4790,
        failed_count=21,
        counts_are_exact=True,
        oldest_entry=datetime(2026, 1, 3, 18, tzinfo=UTC),
        newest_entry=_THEN,
    ),
    ActionCountListResponse(actions=[RecentAction(action=Action.USER_LOGIN.value, count=412, count_is_exact=True)]),
)
