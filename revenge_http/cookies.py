"""Cookies for browsers, besides tokens (decisions W9, rulings R15, R18).

A browser that signed in keeps its tokens in cookies that no script can read. It sends them by itself, also when another
site's page asks for it, so an unsafe request that comes with them must also carry `X-CSRF-Token`, which only a page of
this server, or one that it answered, can know: an HMAC of the session's id. It needs no memory on the server, and no
cookie that a sibling domain plants can make one.

Whoever makes a session calls `Jar.keep`, whoever ends it `Jar.clear`. Without cookie mode, a jar is empty and stays so.
"""

import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from revenge_core.auth.entities import TokenPair
from revenge_core.ids import SessionId
from revenge_core.secrets import Secret
from revenge_http.asgi import Headers, Scope, values_of
from revenge_http.errors import CsrfFailed
from revenge_http.options import CookieMode, HttpOptions

ACCESS: Final = "revenge_access_token"
REFRESH: Final = "revenge_refresh_token"
CSRF: Final = "revenge_csrf"
DEVICE: Final = "revenge_device"
CSRF_HEADER: Final = b"x-csrf-token"
API: Final = "/api/v1"
DEVICE_SECONDS: Final = 400 * 24 * 60 * 60
"""As long as browsers keep a cookie at most."""
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""RFC 9110, section 9.2.1: they change nothing, so nobody gains from having them sent."""

_NAMES: Final = frozenset({ACCESS, REFRESH, CSRF, DEVICE})


class Jar:
    """The cookies of one request: those that came, and those that its answer sets."""

    __slots__ = ("_came", "_cookies", "_scope", "is_from_own_page")

    def __init__(self, cookies: "Cookies", scope: Scope, came: Mapping[str, str], *, is_from_own_page: bool) -> None:
        self._cookies = cookies
        self._scope = scope
        self._came = came
        self.is_from_own_page = is_from_own_page
        """Whether it is no page of a foreign site that had it sent: for one, cookies are neither used nor set."""

    @property
    def access_token(self) -> str | None:
        """The access token that came."""
        return self._came.get(ACCESS) or None

    @property
    def refresh_token(self) -> Secret | None:
        """The refresh token that came. Before it is used, `check` is asked about its session."""
        return self._secret(REFRESH)

    @property
    def device_token(self) -> Secret | None:
        """What the browser is known by (rulings R18)."""
        return self._secret(DEVICE) if self.is_from_own_page else None

    def check(self, session_id: SessionId | None) -> None:
        """Refuse a request that somebody else's page had this browser send; constant in time (ASVS 11.2.4).

        Raises:
            CsrfFailed: it comes from a foreign page, or not with the token of this session.
        """
        sent = b"".join(values_of(self._scope, CSRF_HEADER))
        wanted = self._cookies.csrf_token(session_id).encode() if session_id else b""
        if not self.is_from_own_page or not hmac.compare_digest(sent, wanted) or not sent:
            raise CsrfFailed

    def keep(self, tokens: TokenPair, device_token: Secret | None = None) -> None:
        """Have the browser keep the tokens of a session that began or goes on, and what it is known by.

        For a page on another site that may call, the CSRF token is in the answer's headers, too: it cannot read ours.
        """
        if not self._cookies.are_on or not self.is_from_own_page:
            return
        csrf = self._cookies.csrf_token(tokens.session_id)
        self._set(ACCESS, tokens.access_token.reveal(), tokens.expires_in)
        self._set(REFRESH, tokens.refresh_token.reveal(), tokens.session_expires_in)
        self._set(CSRF, csrf, tokens.session_expires_in)
        if device_token is not None:
            self._set(DEVICE, device_token.reveal(), DEVICE_SECONDS)
        self._add(CSRF_HEADER, csrf)

    def clear(self) -> None:
        """Have the browser forget the session, which is over. It stays a known device."""
        if self._cookies.are_on and self.is_from_own_page:
            for name in (ACCESS, REFRESH, CSRF):
                self._set(name, "", 0)

    def clear_access(self) -> None:
        """Have the browser forget its access token, which is not good any more; its session may be."""
        if self.is_from_own_page:
            self._set(ACCESS, "", 0)

    def _secret(self, name: str) -> Secret | None:
        value = self._came.get(name)
        return Secret(value) if value else None

    def _set(self, name: str, value: str, seconds: int) -> None:
        self._add(b"set-cookie", self._cookies.line(name, value, seconds, secure=self._scope["scheme"] == "https"))

    def _add(self, name: bytes, value: str) -> None:
        """To the answer's headers, whatever the answer will be: the edge adds them."""
        more: Headers = self._scope.setdefault("more_headers", [])
        more.append((name, value.encode("latin-1")))


class Cookies:
    """What one server does about cookies."""

    def __init__(self, options: HttpOptions) -> None:
        self._mode = options.cookies
        self._prefix = options.path_prefix
        self._always_secure = (options.public_url or "").startswith("https://")
        named = [*options.cors_origins, *([options.public_url] if options.public_url else [])]
        self._origins = frozenset(origin_of(one).encode() for one in named if one != "*")
        self._empty = Jar(self, {}, {}, is_from_own_page=False)

    @property
    def are_on(self) -> bool:
        """Whether there is cookie mode."""
        return self._mode is not None

    def jar(self, scope: Scope) -> Jar:
        """The jar of a request that the edge has looked at: `scheme` and `host` are those that the browser sees."""
        if self._mode is None:
            return self._empty
        return Jar(self, scope, _cookies_of(scope), is_from_own_page=self._is_own(scope))

    def csrf_token(self, session_id: SessionId) -> str:
        """What unsafe requests of the session carry."""
        return hmac.new(self._given.csrf_key.reveal().encode(), session_id.bytes, sha256).hexdigest()

    def line(self, name: str, value: str, seconds: int, *, secure: bool) -> str:
        """The value of `Set-Cookie` (RFC 6265, section 4.1). One that is to go has the attributes that it came with."""
        mode = self._given
        path = self._prefix + (API if name in {REFRESH, DEVICE} else "/")
        parts = [f"{name}={value}", f"Max-Age={seconds}", f"Path={path}"]
        if mode.domain:
            parts.append(f"Domain={mode.domain}")
        if secure or self._always_secure or mode.same_site == "none":  # without it browsers refuse SameSite=None
            parts.append("Secure")
        if name != CSRF:
            parts.append("HttpOnly")
        return "; ".join([*parts, f"SameSite={mode.same_site.capitalize()}"])

    @property
    def _given(self) -> CookieMode:
        if self._mode is None:  # pragma: no cover (whoever calls has looked)
            raise AssertionError
        return self._mode

    def _is_own(self, scope: Scope) -> bool:
        """Whether a page of this server, or of an origin that may call it, had the request sent; or no page at all.

        Browsers say so themselves, and pages cannot change what they say (Fetch Metadata; `Origin` where it is not
        known). It stops a page that signs its visitor in as somebody else (login CSRF), which no session's token can.
        """
        sites, origins = values_of(scope, b"sec-fetch-site"), values_of(scope, b"origin")
        if sites and sites[0] in {b"same-origin", b"none"}:
            return True
        if not origins:
            return not sites or scope["method"] in SAFE_METHODS
        own = f"{scope['scheme']}://".encode() + scope["host"]
        return all(one == own or one in self._origins for one in origins)


def origin_of(url: str) -> str:
    """The origin of an address, as browsers write it: without the port that its scheme has anyway (RFC 6454, 6.2)."""
    scheme, _, rest = url.lower().partition("://")
    host = rest.partition("/")[0]
    return f"{scheme}://{host.removesuffix(':443' if scheme == 'https' else ':80')}"


def _cookies_of(scope: Scope) -> dict[str, str]:
    """Ours among the cookies of a request. Of two with one name the first counts: browsers put the closer one first."""
    found: dict[str, str] = {}
    for header in values_of(scope, b"cookie"):
        for pair in header.decode("latin-1").split(";"):
            name, _, value = pair.strip(" \t").partition("=")
            if name in _NAMES:
                found.setdefault(name, value)
    return found
