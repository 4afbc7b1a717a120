"""How much of a request is taken (decisions W10)."""

from itertools import chain
from typing import Final

from revenge_http.asgi import Headers, Message, Receive
from revenge_http.errors import BodyTooLarge, HeadersTooLarge

PER_HEADER: Final = 4
"""Colon, space and line end: what a header costs besides its name and value."""
MAX_HEADERS: Final = 100


class Sizes:
    """The limits of one server."""

    def __init__(self, *, max_body_bytes: int, max_header_bytes: int) -> None:
        self._max_body_bytes = max_body_bytes
        self._max_header_bytes = max_header_bytes

    def check_headers(self, headers: Headers, target_bytes: int) -> None:
        """Count headers and request target.

        Raises:
            HeadersTooLarge: they are too many, or too long together.
        """
        size = target_bytes + sum(map(len, chain.from_iterable(headers))) + PER_HEADER * len(headers)
        if size > self._max_header_bytes or len(headers) > MAX_HEADERS:
            raise HeadersTooLarge

    def check_length(self, content_length: bytes | None) -> None:
        """Refuse a body before it comes.

        Raises:
            BodyTooLarge: the client says itself that it is too long.
        """
        if content_length is not None and content_length.isdigit() and int(content_length[:20]) > self._max_body_bytes:
            raise BodyTooLarge

    def limited(self, receive: Receive) -> Receive:
        """`receive`, counting: a body that comes in pieces has no length to look at first."""
        left = self._max_body_bytes

        async def counting() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise BodyTooLarge
            return message

        return counting
