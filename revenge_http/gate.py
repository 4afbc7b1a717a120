"""The inner middleware: who calls, and may they (decisions W3: after the limits, before the body is read)."""

from typing import Final

from revenge_core.actor import Actor, Origin
from revenge_core.errors import Forbidden, RevengeError, Unauthenticated
from revenge_core.revenge import Revenge
from revenge_http.access import declared_by
from revenge_http.asgi import App, Headers, Receive, Scope, Send
from revenge_http.errors import TwoCredentials

_SCHEME: Final = b"bearer"


class Gate:
    """Authenticates and checks the permission that the route declares; leaves an `Actor` as `scope["user"]`.

    Limits that go by route come before this in the list of middleware, those that go by key after it.
    """

    def __init__(self, app: App, revenge: Revenge) -> None:
        self._app = app
        self._authenticate = revenge.auth.authenticate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request pass, or refuse it.

        Raises:
            Unauthenticated, TwoCredentials, Forbidden: it may not.
        """
        access = declared_by(scope["route_handler"])
        origin: Origin = scope["origin"]
        if access is None:
            raise Forbidden
        if access.is_public:
            actor = await self._looked_at(scope, origin) if access.looks else Actor.anonymous(origin)
        else:
            actor = await self._authenticate(bearer_token(scope), origin)
            if access.permission is not None:
                actor.require(access.permission)
        scope["user"] = actor
        await self._app(scope, receive, send)

    async def _looked_at(self, scope: Scope, origin: Origin) -> Actor:
        """Whoever it is; nobody in particular if that cannot be said, for whatever reason."""
        try:
            return await self._authenticate(bearer_token(scope), origin)
        except RevengeError:
            return Actor.anonymous(origin)


def bearer_token(scope: Scope) -> str:
    """The one credential of the request. API keys and cookies will be read here, too.

    Raises:
        Unauthenticated: there is none that this server takes.
        TwoCredentials: there are several.
    """
    headers: Headers = scope["headers"]
    found = [(name, value) for name, value in headers if name in _CARRIERS]
    if len(found) > 1:
        raise TwoCredentials
    for name, value in found:
        scheme, _, token = value.partition(b" ")
        if name == b"authorization" and scheme.lower() == _SCHEME:
            return token.strip().decode("latin-1")
    raise Unauthenticated


_CARRIERS: Final = frozenset({b"authorization", b"x-api-key"})
