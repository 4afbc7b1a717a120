"""What session management refuses."""

from revenge_core.errors import NotFound, Unauthenticated


class SessionNotFound(NotFound):
    """No such session, or not one that the caller may see."""

    code = "session_not_found"
    title = "There is no such session"


class DeviceNotFound(NotFound):
    """No such device, or not one of the caller's own."""

    code = "device_not_found"
    title = "There is no such device"


class SessionEnded(Unauthenticated):
    """The session behind the credential is over."""

    code = "session_ended"
    title = "This session has ended; sign in again"


class RefreshTokenInvalid(Unauthenticated):
    """The refresh token is unknown, or its session is over. Which of them is not told."""

    code = "refresh_token_invalid"
    title = "This refresh token is no longer good; sign in again"
