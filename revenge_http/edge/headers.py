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
CONTENT_POLICY: Final = b"content-security-policy"
CACHE_CONTROL: Final = b"cache-control"


class Dress:
    """The headers that one request's answer gets, whatever the answer is."""

    def __init__(self, *, reads: bool, secure: bool) -> None:
        always = [*ALWAYS, (b"strict-transport-security", b"max-age=31536000")] if secure else [*ALWAYS]
        self._always = always
        self._policy = (CONTENT_POLICY, NO_CONTENT_POLICY)
        self._caching = (CACHE_CONTROL, b"private, no-store" if reads else b"no-store")

    def put_on(self, headers: Headers, request_id: str) -> Headers:
        """`headers` and those. A policy or a caching rule that is there already stays."""
        names = dict(headers)
        dressed = [*headers, (b"x-request-id", request_id.encode()), *self._always]
        if CONTENT_POLICY not in names:
            dressed.append(self._policy)
        if CACHE_CONTROL not in names:
            dressed.append(self._caching)
        return dressed


DRESSES: Final = {
    (reads, secure): Dress(reads=reads, secure=secure) for reads in (True, False) for secure in (True, False)
}
"""By whether the request only reads, and whether it came over TLS: only then is more of it promised (HSTS)."""
