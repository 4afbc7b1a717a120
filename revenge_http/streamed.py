"""Files over the wire, piece by piece: never all in memory."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

from typing_extensions import override

from revenge_core.storage.entities import StoredFile
from revenge_http.answers import Answer
from revenge_http.asgi import Headers, Message, Receive, Scope, Send, values_of
from revenge_http.conditions import ETAG, knows

Opening = AbstractAsyncContextManager[tuple[StoredFile, AsyncIterator[bytes]]]


class StreamedAnswer(Answer):
    """A file with its type, length and `ETag`; nothing of it where the client has this version already (304).

    The file is opened as the answer is sent. What goes wrong before its first byte is an answer of its own, as from any
    handler; what goes wrong later breaks the connection off, so that nobody takes a part for the whole.
    """

    __slots__ = ("_opening",)

    def __init__(self, opening: Opening, *, headers: Headers) -> None:
        super().__init__(200, headers=headers)
        self._opening = opening

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._opening as (file, pieces):
            tag = b'"%b"' % file.etag.encode()
            self.headers.append((ETAG, tag))
            known = values_of(scope, b"if-none-match")
            if known and knows(b",".join(known), tag):
                self.status = 304
                await super().__call__(scope, receive, send)
                return
            self.headers.append((b"content-type", file.media_type.encode()))
            self.headers.append((b"content-length", b"%d" % file.size))
            start: Message = {"type": "http.response.start", "status": self.status, "headers": self.headers}
            await send(start)
            if scope["method"] != "HEAD":
                async for piece in pieces:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
