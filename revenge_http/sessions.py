"""`/sessions`: where one is signed in; and where somebody else is, for those who look after them."""

from uuid import UUID

from msgspec import UNSET, UnsetType

from revenge_core.actor import Actor
from revenge_core.ids import SessionId, UserId
from revenge_core.permissions import Permission
from revenge_core.rbac.errors import RoleTooPowerful
from revenge_core.sessions.entities import Session
from revenge_core.sessions.errors import SessionNotFound
from revenge_http.access import needs, signed_in
from revenge_http.operations import Call, operation
from revenge_http.wire import Timestamp, Wire, present


class SessionInfo(Wire, kw_only=True):
    """One place where somebody is signed in."""

    id: UUID
    device_name: str | UnsetType = UNSET
    client_type: str
    ip_address: str
    """Empty where it is not known."""
    user_agent: str | UnsetType = UNSET
    created_at: Timestamp
    last_activity_at: Timestamp
    expires_at: Timestamp
    is_active: bool
    is_current: bool

    @classmethod
    def of(cls, session: Session, actor: Actor) -> "SessionInfo":
        """A live session, as the actor sees it."""
        return cls(
            id=session.id,
            device_name=present(session.device_name),
            client_type=session.client_type.value,
            ip_address=session.address or "",
            user_agent=present(session.user_agent),
            created_at=session.created_at,
            last_activity_at=session.last_activity_at,
            expires_at=min(session.expires_at, session.idle_expires_at),
            is_active=True,
            is_current=session.id == actor.session_id,
        )


class SessionListResponse(Wire, kw_only=True):
    """All live sessions, the latest used first."""

    sessions: list[SessionInfo]
    total: int


_own = signed_in(keys=False)
_others = needs(Permission.SESSIONS_LIST, keys=False)


@operation("GET", "/api/v1/sessions", "listSessions", _own)
async def list_sessions(call: Call) -> SessionListResponse:
    """Where one is signed in, the latest used first."""
    found = await call.revenge.sessions.list(call.actor)
    return SessionListResponse(sessions=[SessionInfo.of(one, call.actor) for one in found], total=len(found))


@operation("DELETE", "/api/v1/sessions", "logoutAll", _own)
async def end_all(call: Call, except_current: bool = False) -> None:  # noqa: FBT001, FBT002 (a query parameter)
    """Sign out everywhere; `except_current` spares the session that asks."""
    await call.revenge.sessions.revoke_all(call.actor, except_current=except_current)
    if not except_current:
        call.cookies.clear()


@operation("GET", "/api/v1/sessions/current", "getCurrentSession", _own, raises=(SessionNotFound,))
async def get_current(call: Call) -> SessionInfo:
    """The session that asks."""
    return SessionInfo.of(await call.revenge.sessions.current(call.actor), call.actor)


@operation("DELETE", "/api/v1/sessions/current", "logoutCurrent", _own)
async def end_current(call: Call) -> None:
    """Sign out this session alone."""
    await call.revenge.sessions.revoke_current(call.actor)
    call.cookies.clear()


@operation("DELETE", "/api/v1/sessions/{sessionId}", "revokeSession", _own, raises=(SessionNotFound, RoleTooPowerful))
async def end_one(call: Call, session_id: UUID) -> None:
    """Sign out one session: one's own, or with the permission that of somebody who may do no more."""
    await call.revenge.administration.revoke_session(call.actor, SessionId(session_id))
    if session_id == call.actor.session_id:
        call.cookies.clear()


@operation("GET", "/api/v1/admin/users/{userId}/sessions", "adminListUserSessions", _others)
async def list_sessions_of(call: Call, user_id: UUID) -> SessionListResponse:
    """Where somebody is signed in, the latest used first."""
    found = await call.revenge.sessions.list(call.actor, UserId(user_id))
    return SessionListResponse(sessions=[SessionInfo.of(one, call.actor) for one in found], total=len(found))


operations = (list_sessions, end_all, get_current, end_current, end_one, list_sessions_of)
