"""What callers who are known are refused: told to the audit log once they have their answer (ASVS 16.3.2)."""

import logging
import re
from typing import Final, cast

from revenge_core.actor import Actor
from revenge_core.errors import Forbidden, RevengeError
from revenge_core.revenge import Revenge
from revenge_http.asgi import App, Receive, Scope, Send

_REFUSED: Final = "refused"
_TYPE: Final = re.compile(r":\w+(?=\})")
_log = logging.getLogger("revenge.http")


class Refusals:
    """Goes around the router, where errors have become answers already.

    That the log cannot be told changes nothing of the answer: it is a refusal either way, and in the log file.
    """

    def __init__(self, app: App, revenge: Revenge) -> None:
        self._app = app
        self._revenge = revenge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._app(scope, receive, send)
        if _REFUSED in scope:
            await self._tell(scope)

    async def _tell(self, scope: Scope) -> None:
        actor = cast(Actor | None, scope.get("user"))
        if actor is None:
            return
        operation = f"{scope['method']} {_TYPE.sub('', scope.get('path_template', ''))}"
        try:
            await self._revenge.denials.tell(actor, scope[_REFUSED], operation)
        except RevengeError:
            _log.warning("request %s was refused, and the audit log could not be told", actor.origin.request_id)


def note_refusal(scope: Scope, error: Exception) -> None:
    """Remember, with the request, that it ended in a refusal."""
    if isinstance(error, Forbidden):
        scope[_REFUSED] = error
