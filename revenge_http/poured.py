"""Answers that are made while they are sent: never all in memory, and nobody knows how long they get."""

import asyncio
from collections.abc import AsyncIterator

from typing_extensions import override

from revenge_http.answers import Answer
from revenge_http.asgi import Message, Receive, Scope, Send


class PouredAnswer(Answer):
    """A file of unknown length, for download.

    What goes wrong before its first piece is an answer of its own. What goes wrong later breaks the connection off, so
    that nobody takes a part for the whole. Once the client has gone, nothing more is made for it.
    """

    __slots__ = ("_pieces",)

    def __init__(self, pieces: AsyncIterator[bytes], *, media_type: str, filename: str) -> None:
        super().__init__(200)
        self._pieces = pieces
        self.headers = [
            (b"content-type", media_type.encode()),
            (b"content-disposition", f'attachment; filename="{filename}"'.encode()),
            (b"cache-control", b"no-store"),
        ]

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        piece = await anext(self._pieces, b"")
        gone = asyncio.create_task(_client_left(receive))
        try:
            start: Message = {"type": "http.response.start", "status": self.status, "headers": self.headers}
            await send(start)
            while piece and not gone.done():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                piece = await anext(self._pieces, b"")
            await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()


async def _client_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
