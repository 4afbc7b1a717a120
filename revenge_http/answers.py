"""What goes back over the wire, already encoded: cheaper than a framework's response object."""

from typing import Generic, TypeVar

import msgspec

from revenge_http.asgi import Headers, Message, Receive, Scope, Send
from revenge_http.wire import Wire

JSON = b"application/json; charset=utf-8"
LOCATION = b"location"

W = TypeVar("W", bound=Wire)


class Tagged(msgspec.Struct, Generic[W], frozen=True):
    """What a handler returns where the record is a resource that changes: the answer gets an `ETag`.

    An operation that returns this also understands `If-Match` (as `call.version`), a GET `If-None-Match`.
    """

    record: W
    version: int
    """How often the resource was changed."""


class Made(msgspec.Struct, Generic[W], frozen=True):
    """What a handler returns that made something, or began to: the answer says where that is."""

    record: W
    location: str
    """The path of what was made, without the server's prefix."""
    status: int = 201
    version: int | None = None
    """For an `ETag`, where what was made can be changed."""


class Answer:
    """A complete response; calling it as an ASGI application sends it."""

    __slots__ = ("body", "headers", "status")

    def __init__(
        self, status: int, body: bytes = b"", *, media_type: bytes = JSON, headers: Headers | None = None
    ) -> None:
        self.status = status
        self.body = body
        self.headers: Headers = headers or []
        if body:
            self.headers += ((b"content-type", media_type), (b"content-length", b"%d" % len(body)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 (ASGI's signature)
        """Send it."""
        start: Message = {"type": "http.response.start", "status": self.status, "headers": self.headers}
        await send(start)
        await send({"type": "http.response.body", "body": self.body})
