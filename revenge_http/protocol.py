"""HTTP/1.1 on a connection: uvicorn's, with an end to what a client may send besides heads and bodies.

The application sees a request when its head is complete, and may answer before the body is. Nothing else would stop a
client that sends headers without end, one byte a minute, or the rest of a body that nobody waits for any more; nor one
that asks for much and then takes none of it.
"""

import asyncio
from enum import Enum, auto
from typing import Final, cast

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD_SECONDS: Final = 20.0
"""In which a head must have arrived: from its first byte, from the start of a connection, or, where the body before it
was refused unread, from that answer."""
TAKING_SECONDS: Final = 30.0
TAKING_BYTES: Final = 16 * 1024
"""So much of what waits for a client it must take in that time, or all: an answer that nobody takes holds a connection,
memory, maybe an open file. Half a kilobyte a second is slower than any line that people still have."""
_TOO_LARGE: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class _Place(Enum):
    """Where in the stream of messages the client is."""

    BETWEEN = auto()
    HEAD = auto()
    BODY = auto()
    """Also in the trailers after it."""


class BoundedHttp(HttpToolsProtocol):
    """One connection. `bounded` makes a class of it that knows its limit."""

    max_head_bytes = 64 * 1024
    _head_bytes = 0
    """Bytes since the last that belonged to a body or ended a head: a head so far, chunk extensions, trailers."""
    _heads = 0
    _place = _Place.BETWEEN
    _deadline: asyncio.TimerHandle | None = None
    _watch: asyncio.TimerHandle | None = None
    _answering: RequestResponseCycle | None = None
    """What is being answered. uvicorn's `cycle` is what came last, which may wait for that."""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connection that never says anything ends."""
        super().connection_made(cast(asyncio.Transport, transport))
        self._set_deadline()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadlines. What is being answered is told, so that it is no error that nobody listens any more."""
        self._clear_deadline()
        self._clear_watch()
        if self._answering is not None:
            self._answering.disconnected = True
            self._answering.message_event.set()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        """Count what is no body; whole heads are judged by the application.

        Empty lines between requests are allowed (RFC 9112, section 2.2), but stop uvicorn's clock for idle connections.
        """
        heads = self._heads
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > self.max_head_bytes:
            if self._place is not _Place.BODY:
                self.transport.write(_TOO_LARGE)
            self._close()
        elif self._place is _Place.HEAD or (self._place is _Place.BETWEEN and self._heads == heads):
            self._set_deadline()

    @override
    def on_message_begin(self) -> None:
        """The first byte of a head."""
        self._place = _Place.HEAD
        super().on_message_begin()

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        """Trailers are not headers (RFC 9110, section 6.5.1): nobody checked them, so nobody gets them."""
        if self._place is _Place.HEAD:
            super().on_header(name, value)

    @override
    def on_headers_complete(self) -> None:
        """The head is there; what follows is its body."""
        self._place = _Place.BODY
        self._heads += 1
        self._head_bytes = 0
        self._clear_deadline()
        super().on_headers_complete()
        if self._answering is None:
            self._answering = self.cycle

    @override
    def on_body(self, body: bytes) -> None:
        """The application limits it."""
        self._head_bytes = 0
        super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        """The body is there; what follows is another head."""
        self._place = _Place.BETWEEN
        self._head_bytes = 0
        super().on_message_complete()

    @override
    def on_response_complete(self) -> None:
        """Who was refused before the body was read may finish it, and say what is next, but not for ever."""
        self._answering = self.pipeline[-1][0] if self.pipeline else None
        super().on_response_complete()
        if self._place is _Place.BODY and self.cycle.response_complete:
            self._set_deadline()
        if self.transport.is_closing():
            self._set_watch()

    @override
    def timeout_keep_alive_handler(self) -> None:
        """Nobody asks for more."""
        self._close()

    @override
    def pause_writing(self) -> None:
        """The client takes less than it is given."""
        super().pause_writing()
        self._set_watch()

    @override
    def resume_writing(self) -> None:
        """It took most of it. What is left after the last answer is still looked after."""
        super().resume_writing()
        if not self.transport.is_closing():
            self._clear_watch()

    def _set_deadline(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _clear_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self._close()

    def _close(self) -> None:
        """Hang up as soon as the client has what was said to it."""
        self.transport.close()
        self._set_watch()

    def _set_watch(self) -> None:
        if self._watch is None and (waiting := self.transport.get_write_buffer_size()):
            self._watch = self.loop.call_later(TAKING_SECONDS, self._look, waiting)

    def _clear_watch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _look(self, waited: int) -> None:
        """How much was taken of what waited."""
        self._watch = None
        waits = self.transport.get_write_buffer_size()
        if waits and waited - waits < TAKING_BYTES:
            self.transport.abort()
        else:
            self._set_watch()


def bounded(max_head_bytes: int) -> type[BoundedHttp]:
    """The class for a server that takes heads up to that long."""
    return type("BoundedHttp", (BoundedHttp,), {"max_head_bytes": max_head_bytes})
