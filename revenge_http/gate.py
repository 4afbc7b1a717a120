"""The inner middleware: who calls, and may they (decisions W3: after the limits, before the body is read)."""

from collections.abc import Mapping
from time import monotonic
from typing import Final, cast

from revenge_core.actor import Actor, Origin
from revenge_core.apikeys.policy import PREFIX
from revenge_core.auth.errors import AccessTokenInvalid
from revenge_core.errors import Forbidden, KeyRefused, RevengeError, Unauthenticated
from revenge_core.revenge import Revenge
from revenge_core.secrets import Secret
from revenge_core.sessions.errors import SessionEnded
from revenge_http.access import Access, Entrance, entrance_of, entrances_of
from revenge_http.answers import Answer
from revenge_http.asgi import App, Message, Receive, Scope, Send, values_of
from revenge_http.cookies import SAFE_METHODS, Cookies, Jar
from revenge_http.errors import MethodNotAllowed, TwoCredentials
from revenge_http.options import HttpOptions
from revenge_http.throttle import Throttle

PATIENCE_SECONDS: Final = 0.1
"""A body that was there with its head is read sooner."""
_SCHEME: Final = b"bearer"


class Gate:
    """Counts against the route's limit, authenticates, and checks the permission that the route declares.

    Leaves an `Actor` as `scope["user"]`.
    """

    def __init__(self, app: App, revenge: Revenge, options: HttpOptions, throttle: Throttle | None) -> None:
        self._app = app
        self._throttle = throttle
        self._cookies = Cookies(options)
        self._revenge = revenge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request pass, or refuse it.

        Raises:
            RateLimited: its address sends too many to routes of this tier, or its API key too many at all.
            Unauthenticated, TwoCredentials, CsrfFailed, Forbidden: it may not.
        """
        entrance = entrance_of(scope["route_handler"], scope["method"])
        if entrance is None:
            await _without(entrances_of(scope["route_handler"]), scope, receive, send)
            return
        access, origin = entrance.access, cast(Origin, scope["origin"])
        if self._throttle is not None and entrance.tier is not None:
            await self._throttle.count_in(entrance.tier, scope, origin.address)
        jar = scope["cookies"] = self._cookies.jar(scope)
        if access.is_public:
            scope["user"] = await self._looked_at(scope, jar, origin) if access.looks else Actor.anonymous(origin)
        else:
            actor = scope["user"] = await self._actor(scope, jar, origin)
            if actor.key is not None and self._throttle is not None:
                await self._throttle.count_key(scope, actor.key)
            _check(actor, access, scope["method"])
            if scope["method"] not in SAFE_METHODS:
                receive = self._asking_again(scope, receive, access)
        await self._app(scope, receive, send)

    def _asking_again(self, scope: Scope, receive: Receive, access: Access) -> Receive:
        """`receive`, which judges the caller again where the end of the body was a while in coming (ASVS 8.3.2).

        A body may take half a minute. What was taken from somebody meanwhile is missed with its last byte.
        """
        began = monotonic()

        async def asking() -> Message:
            message = await receive()
            is_end = message["type"] == "http.request" and not message.get("more_body")
            if is_end and monotonic() - began > PATIENCE_SECONDS:
                actor = scope["user"] = await self._actor(scope, scope["cookies"], scope["origin"])
                _check(actor, access, scope["method"])
            return message

        return asking

    async def _looked_at(self, scope: Scope, jar: Jar, origin: Origin) -> Actor:
        """Whoever it is; nobody in particular if that cannot be said, for whatever reason."""
        try:
            return await self._actor(scope, jar, origin)
        except RevengeError:
            return Actor.anonymous(origin)

    async def _actor(self, scope: Scope, jar: Jar, origin: Origin) -> Actor:
        """Who sends a header that says so, else a cookie. What a browser sends by itself never beats what is asked for.

        Raises:
            Unauthenticated, TwoCredentials: there is no credential, a bad one, or several.
            KeyAddressRefused: the API key is not taken from there.
            CsrfFailed: a cookie came with a request that changes something, and no page of ours sent it.
        """
        token = jar.access_token
        if token is None or any(name in _CARRIERS for name, _ in scope["headers"]):
            credential = credential_of(scope)
            if isinstance(credential, Secret):
                return await self._revenge.api_keys.authenticate(credential, origin)
            return await self._revenge.auth.authenticate(credential, origin)
        try:
            actor = await self._revenge.auth.authenticate(token, origin)
        except SessionEnded:
            jar.clear()
            raise
        except AccessTokenInvalid:
            jar.clear_access()
            raise
        if scope["method"] not in SAFE_METHODS:
            jar.check(actor.session_id)
        return actor


async def _without(entrances: Mapping[str, Entrance], scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a method that the path does not have; OPTIONS is told which it has (RFC 9110, section 9.3.7).

    Raises:
        Forbidden: the route declares nothing at all.
        MethodNotAllowed: it has other methods.
    """
    if not entrances:
        raise Forbidden
    allow = ", ".join(sorted({*entrances, "OPTIONS"}))
    if scope["method"] != "OPTIONS":
        raise MethodNotAllowed(allow)
    await Answer(204, headers=[(b"allow", allow.encode())])(scope, receive, send)


def _check(actor: Actor, access: Access, method: str) -> None:
    """Whether the caller may come in. What is for anybody signed in takes a key's right to one's own (rulings R13).

    Raises:
        KeyRefused: only a session will do.
        KeyScopeLacking: the key may not read, or change, what is its owner's own.
        Forbidden: the permission is lacking.
    """
    if actor.key is not None:
        if not access.keys:
            raise KeyRefused
        if access.permission is None:
            actor.require_user(writes=method not in SAFE_METHODS)
    if access.permission is not None:
        actor.require(access.permission)


def credential_of(scope: Scope) -> str | Secret:
    """The one credential in the headers of the request: an access token, or an API key, which is a `Secret`.

    Raises:
        Unauthenticated: there is none that this server takes.
        TwoCredentials: there are several.
    """
    bearers, keys = values_of(scope, b"authorization"), values_of(scope, b"x-api-key")
    if len(bearers) + len(keys) > 1:
        raise TwoCredentials
    if keys:
        return Secret(keys[0].strip().decode("latin-1"))
    if bearers:
        scheme, _, token = bearers[0].partition(b" ")
        if scheme.lower() == _SCHEME:
            text = token.strip().decode("latin-1")
            # No access token begins like a key: those are a JSON object's base64.
            return Secret(text) if text.startswith(PREFIX) else text
    raise Unauthenticated


_CARRIERS: Final = frozenset({b"authorization", b"x-api-key"})
