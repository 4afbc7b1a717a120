"""The one writer of errors: whatever goes wrong leaves as `application/problem+json` (RFC 9457, decisions W2)."""

import logging
import math
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from litestar.exceptions import HTTPException
from msgspec import UNSET, UnsetType

from revenge_core.apikeys.errors import KeyInvalid
from revenge_core.auth.errors import AccessTokenInvalid
from revenge_core.errors import (
    Conflict,
    FieldProblem,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    RevengeError,
    Unauthenticated,
    Unavailable,
    VersionMismatch,
)
from revenge_core.idempotency.errors import AlreadyDone, IdempotencyKeyReused
from revenge_core.sessions.errors import SessionEnded
from revenge_http.answers import LOCATION, Answer
from revenge_http.asgi import Headers, Scope
from revenge_http.errors import (
    BodyTooLarge,
    BodyTooSlow,
    HeadersTooLarge,
    MediaTypeUnsupported,
    MethodNotAllowed,
    RequestInvalid,
    RouteNotFound,
)
from revenge_http.options import HttpOptions
from revenge_http.wire import Wire, encode

PROBLEM: Final = b"application/problem+json"

STATUSES: Final[dict[type[RevengeError], int]] = {
    Invalid: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    MethodNotAllowed: 405,
    BodyTooSlow: 408,
    Conflict: 409,
    VersionMismatch: 412,
    BodyTooLarge: 413,
    MediaTypeUnsupported: 415,
    IdempotencyKeyReused: 422,
    RateLimited: 429,
    HeadersTooLarge: 431,
    RevengeError: 500,
    Unavailable: 503,
}

HANG_UP: Final = frozenset({408, 413, 431})
"""After these the rest of the request is not worth reading."""

_log = logging.getLogger("revenge.http")


class Problem(Wire, kw_only=True):
    """What went wrong. `code` is the HTTP status, `error` the stable name of the error, `message` equals `detail`."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: int
    message: str
    error: str
    request_id: str
    errors: list[FieldProblem] | UnsetType = UNSET

    @classmethod
    def of(cls, error: RevengeError, prefix: str, path: str, request_id: str) -> "Problem":
        """What to tell about an error that met whoever asked for `path`; pages of errors are under `prefix`."""
        status = status_of(type(error))
        detail = error.detail.encode("utf-8", "replace").decode()
        return cls(
            type=f"{prefix}/problems/{error.code}",
            title=type(error).title,
            status=status,
            detail=detail,
            instance=quote(path[:200], errors="replace"),
            code=status,
            message=detail,
            error=error.code,
            request_id=request_id,
            errors=list(error.problems) or UNSET,
        )


def status_of(error: type[RevengeError]) -> int:
    """The HTTP status of a kind of error: its own, or that of the nearest kind above it."""
    return next(STATUSES[kind] for kind in error.__mro__ if kind in STATUSES)


class ProblemWriter:
    """Turns any exception into an answer. What is not ours, or is our own fault, is logged and told as a bare 500."""

    def __init__(self, options: HttpOptions) -> None:
        self._prefix = options.path_prefix
        self._challenge = f'Bearer realm="{_quotable(options.server_name)}"'

    def answer(self, raised: Exception, scope: Scope) -> Answer:
        """The response to send for `raised`; works also where the request is too broken to have an origin."""
        error = _as_ours(raised)
        status = status_of(type(error))
        origin = scope.get("origin")
        request_id = (origin.request_id if origin else None) or ""
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            _log.error("request %s failed", request_id, exc_info=raised)
            error = RevengeError()
        problem = Problem.of(error, self._prefix, scope["path"], request_id)
        return Answer(status, encode(problem), media_type=PROBLEM, headers=self._headers(error, status))

    def _headers(self, error: RevengeError, status: int) -> Headers:
        headers: Headers = []
        if isinstance(error, Unauthenticated):
            headers.append((b"www-authenticate", self._www_authenticate(error).encode()))
        if isinstance(error, MethodNotAllowed):
            headers.append((b"allow", error.allow.encode()))
        if isinstance(error, RateLimited | Unavailable):
            headers.append((b"retry-after", b"%d" % max(1, math.ceil(error.retry_after or 1))))
        if isinstance(error, AlreadyDone) and error.location:
            headers.append((LOCATION, error.location.encode()))
        if status in HANG_UP:
            headers.append((b"connection", b"close"))
        return headers

    def _www_authenticate(self, error: Unauthenticated) -> str:
        """RFC 6750, section 3: a request without a token gets no error code."""
        if isinstance(error, AccessTokenInvalid | KeyInvalid | SessionEnded):
            return f'{self._challenge}, error="invalid_token", error_description="{_quotable(type(error).title)}"'
        return self._challenge


def _as_ours(raised: Exception) -> RevengeError:
    """Framework errors are told as ours, so that there is one list of codes."""
    match raised:
        case RevengeError():
            return raised
        case HTTPException(status_code=404):
            return RouteNotFound()
        case HTTPException(status_code=405):
            return MethodNotAllowed(", ".join(sorted((raised.headers or {}).get("allow", "").split(", "))))
        case HTTPException(status_code=400):
            return RequestInvalid(raised.detail)
        case _:
            return RevengeError()


def _quotable(text: str) -> str:
    """`text` inside a quoted string of a header."""
    plain = "".join(character if " " <= character <= "~" else "?" for character in text)
    return plain.replace("\\", "\\\\").replace('"', '\\"')
