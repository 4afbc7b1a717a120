"""What goes back over the wire, already encoded: cheaper than a framework's response object."""

from revenge_http.asgi import Headers, Message, Receive, Scope, Send

JSON = b"application/json; charset=utf-8"


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
