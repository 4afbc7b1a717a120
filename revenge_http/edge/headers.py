"""Headers that every answer carries, whoever wrote it (decisions W9, ASVS 3.4, 14.3.2)."""

from typing import Final

from revenge_http.asgi import Headers

NO_CONTENT_POLICY: Final = b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""For data: nothing in it is to be run, loaded or framed. Pages bring their own."""

ALWAYS: Final[Headers] = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
STRICT_TRANSPORT: Final = (b"strict-transport-security", b"max-age=31536000")
UNLESS_SAID: Final[Headers] = [(b"content-security-policy", NO_CONTENT_POLICY)]
PRIVATE: Final = (b"cache-control", b"private, no-store")
UNCACHED: Final = (b"cache-control", b"no-store")


def dressed(headers: Headers, *, request_id: str, reads: bool, secure: bool) -> Headers:
    """`headers` and the ones that belong to every answer. A policy or caching rule that is there already stays."""
    names = [name for name, _ in headers]
    dress = [*headers, (b"x-request-id", request_id.encode()), *ALWAYS]
    if b"content-security-policy" not in names:
        dress += UNLESS_SAID
    if b"cache-control" not in names:
        dress.append(PRIVATE if reads else UNCACHED)
    if secure:
        dress.append(STRICT_TRANSPORT)
    return dress
