"""The way to routes of which all is known from the path: past the framework, whose way costs a fifth of a hot request.

The routes stay the framework's, and so does the gate before each, which reads what they declare. Whatever the framework
would refuse, or has to read parameters for, still goes through it.
"""

import re
from collections.abc import Callable
from typing import Final, cast

from litestar import Litestar
from litestar.routes import ASGIRoute

from revenge_http.asgi import App, Receive, Scope, Send, values_of
from revenge_http.problems import ProblemWriter
from revenge_http.refusals import note_refusal

_HOST: Final = re.compile(rb"[0-9A-Za-z.:\-\[\]]*\Z")
"""What is certainly one (RFC 3986, section 3.2.2); the framework judges others."""


class Shortcut:
    """Goes around the router; errors have become answers here as well."""

    def __init__(self, router: Litestar, gate: Callable[[App], App], problems: ProblemWriter) -> None:
        self._router = cast(App, router)
        self._problems = problems
        self._known = {
            route.path: (route.route_handler, gate(cast(App, route.route_handler.fn)))
            for route in router.routes
            if isinstance(route, ASGIRoute) and not route.path_parameters and not route.route_handler.is_mount
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        Raises:
            whatever went wrong after the answer had begun.
        """
        path: str = scope.get("path", "")
        known = self._known.get(path)
        if known is None or not all(map(_HOST.match, values_of(scope, b"host"))):
            await self._router(scope, receive, send)
            return
        scope["route_handler"], app = known
        scope["path_template"], scope["path_params"] = path, {}
        try:
            await app(scope, receive, send)
        except Exception as error:
            if "status" in scope:
                raise
            note_refusal(scope, error)
            await self._problems.answer(error, scope)(scope, receive, send)
