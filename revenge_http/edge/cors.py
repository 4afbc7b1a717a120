"""Which pages of other origins may call: none, unless an operator names them (decisions W9)."""

from typing import Final

from revenge_http.asgi import Headers
from revenge_http.options import HttpOptions

METHODS: Final = b"GET, POST, PUT, PATCH, DELETE"
ALLOWED: Final = (
    b"Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, X-API-Key, X-CSRF-Token, "
    b"X-Request-ID"
)
EXPOSED: Final = (
    b"Content-Disposition, ETag, Link, Location, RateLimit, RateLimit-Policy, Retry-After, X-CSRF-Token, X-Request-ID"
)
MAX_AGE: Final = b"7200"
"""Two hours: browsers keep it no longer."""


class Cors:
    """Answers in the words of the Fetch standard.

    Credentials are allowed where there is cookie mode, for named origins and never for `*`. Tokens travel in
    `Authorization`, which needs no leave.
    """

    def __init__(self, options: HttpOptions) -> None:
        self._origins = frozenset(origin.rstrip("/").encode() for origin in options.cors_origins)
        self._everybody = b"*" in self._origins
        self._credentials: Headers = [(b"access-control-allow-credentials", b"true")] if options.cookies else []
        self.is_open = bool(self._origins)

    def headers(self, origin: bytes | None) -> Headers:
        """What to add to an answer. The answer differs by origin, so caches must know (`Vary`)."""
        if self._everybody:
            return [(b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", EXPOSED)]
        vary = (b"vary", b"Origin")
        if origin is None or origin not in self._origins:
            return [vary]
        return [
            vary,
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", EXPOSED),
            *self._credentials,
        ]

    def preflight(self, origin: bytes | None) -> Headers | None:
        """What to answer to a preflight; None where the origin is not allowed: then it is an ordinary OPTIONS."""
        if not self._everybody and (origin is None or origin not in self._origins):
            return None
        return [
            (b"access-control-allow-methods", METHODS),
            (b"access-control-allow-headers", ALLOWED),
            (b"access-control-max-age", MAX_AGE),
        ]
