"""One example per record of the wire, for the documentation. They are real records, so they cannot be wrong."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from revenge_core.health.entities import Status
from revenge_core.secrets import Secret
from revenge_core.sessions.entities import ClientType
from revenge_http.auth import (
    BootstrapRequest,
    ChangePasswordRequest,
    LoginRequest,
    LoginResponse,
    LogoutRequest,
    RefreshRequest,
    RefreshResponse,
    RegisterRequest,
)
from revenge_http.health import HealthCheck
from revenge_http.problems import Problem
from revenge_http.sessions import SessionInfo, SessionListResponse
from revenge_http.users import User, UserUpdate
from revenge_http.wire import Wire

_THEN: Final = datetime(2026, 2, 14, 10, tzinfo=UTC)
_LATER: Final = datetime(2026, 5, 15, 10, tzinfo=UTC)
_ACCESS: Final = Secret("eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.….…")
_REFRESH: Final = Secret("5f1c…64 hexadecimal digits")
_PASSWORD: Final = Secret("seven purple umbrellas")

_user: Final = User(
    id=UUID("019c5b1e-5e00-7000-8000-000000000001"),
    username="ada",
    email="ada@example.org",
    display_name="Ada",
    locale="en-US",
    timezone="Europe/Zurich",
    qar_enabled=False,
    is_active=True,
    is_admin=False,
    email_verified=False,
    created_at=_THEN,
    last_login_at=_THEN,
)
_session: Final = SessionInfo(
    id=UUID("019c5b1e-5e00-7000-8000-000000000002"),
    device_name="Living room",
    client_type="tv",
    ip_address="192.0.2.7",
    user_agent="RevengeTV/2.1",
    created_at=_THEN,
    last_activity_at=_THEN,
    expires_at=_LATER,
    is_active=True,
    is_current=True,
)

EXAMPLES: Final[dict[type[Wire], Wire]] = {
    type(example): example
    for example in (
        BootstrapRequest(
            token=Secret("0b5e…64 hexadecimal digits"), username="ada", email="ada@example.org", password=_PASSWORD
        ),
        ChangePasswordRequest(old_password=_PASSWORD, new_password=Secret("nine green lanterns")),
        HealthCheck(name="readiness", status=Status.HEALTHY),
        LoginRequest(username="ada", password=_PASSWORD, device_name="Living room", client_type=ClientType.TV),
        LoginResponse(user=_user, access_token=_ACCESS, refresh_token=_REFRESH, expires_in=900),
        LogoutRequest(refresh_token=_REFRESH, logout_all=False),
        Problem(
            type="/problems/session_not_found",
            title="There is no such session",
            status=404,
            detail="There is no such session",
            instance="/api/v1/sessions/019c5b1e-5e00-7000-8000-000000000003",
            code=404,
            message="There is no such session",
            error="session_not_found",
            request_id="019c5b1e-5e00-7000-8000-0000000000ff",
        ),
        RefreshRequest(refresh_token=_REFRESH),
        RefreshResponse(access_token=_ACCESS, refresh_token=_REFRESH, expires_in=900),
        RegisterRequest(username="ada", email="ada@example.org", password=_PASSWORD, display_name="Ada"),
        _session,
        SessionListResponse(sessions=[_session], total=1),
        _user,
        UserUpdate(display_name="Ada L.", timezone="Europe/London"),
    )
}
