"""One application for many sandboxes: making its routes takes longer than most tests of what they answer."""

from contextvars import ContextVar
from functools import cache
from typing import Final, cast

from revenge_core.revenge import Revenge
from revenge_http.app import create_app
from revenge_http.asgi import App, Receive, Scope, Send
from revenge_http.options import HttpOptions

_asked: ContextVar[Revenge] = ContextVar("asked")
"""Whom the request at hand is for."""


class _WhoeverIsAsked:
    """Stands for a `Revenge` in an application that serves several."""

    def __getattr__(self, service: str) -> object:
        return getattr(_asked.get(), service)


STAND_IN: Final = cast(Revenge, _WhoeverIsAsked())


def app_of(revenge: Revenge) -> App:
    """The application over it, with the default options: to whoever asks it, the same as one of its own."""
    if revenge.limits.is_on:  # counts requests, so it is nobody else's
        return create_app(revenge, HttpOptions())
    _asked.set(revenge)
    shared = _shared(revenge.avatars.max_bytes)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        _asked.set(revenge)
        await shared(scope, receive, send)

    return app


@cache
def _shared(_max_bytes: int) -> App:
    """What was read of a `Revenge` when the application was made is part of the key."""
    return create_app(STAND_IN, HttpOptions())
