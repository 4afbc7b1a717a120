"""Files that come with a request (multipart/form-data, RFC 7578), read as they arrive."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, Final, cast

from multipart import (  # type: ignore[import-untyped]  # it has none
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,  # pyright: ignore[reportUnknownVariableType] # the same
)

from revenge_core.errors import FieldProblem
from revenge_http.asgi import Receive, Scope, values_of
from revenge_http.errors import BodyMalformed, BodyTooLarge, BodyTooSlow, MediaTypeUnsupported, RequestInvalid

ENVELOPE_BYTES: Final = 64 * 1024
"""What a request may hold besides the file: other fields, headers of parts."""
MAX_PARTS: Final = 16
MAX_BOUNDARY: Final = 70
"""RFC 2046, section 5.1.1."""


class Upload:
    """The body of a request that carries a file. Nothing of it was read yet."""

    def __init__(self, scope: Scope, receive: Receive, seconds: float) -> None:
        self._scope = scope
        self._receive = receive
        self._seconds = seconds

    async def read(self, names: Sequence[str], *, max_bytes: int) -> bytes:
        """The file in the one field that is called one of `names`. Other fields, and the file's own name, go unread.

        Raises:
            MediaTypeUnsupported: the body is said to be something else.
            BodyTooLarge: the file is longer; no more is read.
            BodyTooSlow: it was not complete after so many seconds.
            BodyMalformed: it is no form, or ended in the middle.
            RequestInvalid: there is no such field, or more than one.
        """
        parser = PushMultipartParser(_boundary(self._scope), max_segment_count=MAX_PARTS)
        found: bytearray | None = None
        current: bytearray | None = None
        try:
            async with aclosing(self._pieces()) as pieces:
                async for piece in pieces:
                    for event in parser.parse(piece):
                        if isinstance(event, MultipartSegment):
                            current = bytearray() if event.name in names else None
                            if current is not None and found is not None:
                                raise _wrong(names[0], "must be given once")
                            found = found if current is None else current
                        elif event and current is not None:
                            current += event
                            if len(current) > max_bytes:
                                raise BodyTooLarge
            parser.close()
        except ParserLimitReached:
            raise BodyTooLarge from None
        except MultipartError as problem:
            # Of what follows the first argument, some is the parser's own exceptions, with the bytes in them.
            raise BodyMalformed(f"The body is no form as its content type says: {problem.args[0]}") from None
        if found is None:
            raise _wrong(names[0], "is required")
        return bytes(found)

    async def _pieces(self) -> AsyncGenerator[bytes]:
        try:
            async with asyncio.timeout(self._seconds):
                more = True
                while more:
                    message = await self._receive()
                    if message["type"] == "http.disconnect":
                        raise BodyMalformed("The connection ended before the body did")
                    more = message.get("more_body", False)
                    if piece := message.get("body", b""):  # to the parser, nothing means the end
                        yield piece
        except TimeoutError:
            raise BodyTooSlow from None


def _boundary(scope: Scope) -> str:
    types = values_of(scope, b"content-type")
    if len(types) == 1:
        kind, options = cast(tuple[str, dict[str, Any]], parse_options_header(types[0].decode("latin-1")))
        boundary = str(options.get("boundary", ""))
        if kind == "multipart/form-data" and 0 < len(boundary) <= MAX_BOUNDARY and boundary.isascii():
            return boundary
    raise MediaTypeUnsupported("Send a form (multipart/form-data) with the file in it")


def _wrong(name: str, detail: str) -> RequestInvalid:
    return RequestInvalid(problems=[FieldProblem(pointer=f"/{name}", detail=detail)])
