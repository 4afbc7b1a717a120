"""HTTP/1.1 on a connection: uvicorn's, with an end to what a client may send before it has sent a whole head.

The application sees a request only when its head is complete. Until then nothing else would stop a client that sends
headers without end, or one byte a minute.
"""

import asyncio
from typing import Final, cast

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS: Final = 20.0
"""In which a head must have arrived, from its first byte; and the first byte of a new connection."""
_TOO_LARGE: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class BoundedHttp(HttpToolsProtocol):
    """One connection. `bounded` makes a class of it that knows its limit."""

    max_head_bytes = 64 * 1024
    _head_bytes = 0
    _in_head = True
    _deadline: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connection that never says anything ends."""
        super().connection_made(cast(asyncio.Transport, transport))
        self._set_deadline()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        self._clear_deadline()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        """Count what belongs to a head that is not complete; whole heads are judged by the application."""
        self._head_bytes += len(data)
        super().data_received(data)
        if not self._in_head:
            return
        if self._head_bytes > self.max_head_bytes:
            self.transport.write(_TOO_LARGE)
            self.transport.close()
        elif self._deadline is None:
            self._set_deadline()

    @override
    def on_message_begin(self) -> None:
        """The first byte of a head."""
        self._in_head = True
        super().on_message_begin()

    @override
    def on_headers_complete(self) -> None:
        """The head is there; what follows is its body."""
        self._in_head = False
        self._head_bytes = 0
        self._clear_deadline()
        super().on_headers_complete()

    @override
    def on_message_complete(self) -> None:
        """The body is there; what follows is another head."""
        self._head_bytes = 0
        super().on_message_complete()

    def _set_deadline(self) -> None:
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _clear_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


def bounded(max_head_bytes: int) -> type[BoundedHttp]:
    """The class for a server that takes heads up to that long."""
    return type("BoundedHttp", (BoundedHttp,), {"max_head_bytes": max_head_bytes})
