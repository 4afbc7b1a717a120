"""Long lists, page by page: opaque cursors in the answer and in a `Link` header (decisions W6, RFC 8288)."""

from base64 import b64decode, urlsafe_b64encode
from typing import Annotated, Final
from urllib.parse import parse_qsl, quote, urlencode

from msgspec import UNSET, Meta, UnsetType

from revenge_core.activity.errors import CursorInvalid
from revenge_core.errors import FieldProblem
from revenge_core.paging import MAX_LIMIT, MAX_OFFSET
from revenge_http.answers import Answer
from revenge_http.operations import Call
from revenge_http.wire import Wire, encode

Limit = Annotated[int, Meta(ge=1, le=MAX_LIMIT)]
Offset = Annotated[int, Meta(ge=0, le=MAX_OFFSET)]
PageNumber = Annotated[int, Meta(ge=1, le=MAX_OFFSET)]
"""From 1."""
Cursor = Annotated[str, Meta(min_length=1)]
"""Of an answer's `next_cursor`; what is in it concerns nobody but the list that gave it."""

DEFAULT_LIMIT: Final = 50


def window(
    *, limit: int | UnsetType, page_size: int | UnsetType, offset: int | UnsetType, page: int | UnsetType
) -> tuple[int, int]:
    """How many items from where on: by `limit` and `offset`, or by the words of other clients (decisions W11)."""
    size = DEFAULT_LIMIT if page_size is UNSET else page_size
    count = size if limit is UNSET else limit
    start = 0 if page is UNSET else (page - 1) * count
    return count, start if offset is UNSET else offset


class OnePage(Wire, kw_only=True):
    """The part of a list that one answer holds. `next_cursor` asks for the next part; at the end there is none."""

    next_cursor: str | UnsetType = UNSET


def opaque(cursor: str | None) -> str | UnsetType:
    """A service's cursor for the wire."""
    return UNSET if cursor is None else urlsafe_b64encode(cursor.encode()).decode().rstrip("=")


def opened(cursor: str | UnsetType) -> str | None:
    """A cursor of the wire for its service.

    Raises:
        CursorInvalid: no answer of ours held it.
    """
    if cursor is UNSET:
        return None
    try:
        return b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True).decode()
    except ValueError:
        raise cursor_invalid() from None


def cursor_invalid() -> CursorInvalid:
    """The refusal, with its place."""
    return CursorInvalid(problems=[FieldProblem(pointer="/cursor", detail="is not one of this list")])


def answer_with(call: Call, page: OnePage) -> Answer:
    """The page, and in `Link` where the next one is."""
    if page.next_cursor is UNSET:
        return Answer(200, encode(page))
    asked = parse_qsl(call.query, keep_blank_values=True)
    kept = [(name, value) for name, value in asked if name not in {"cursor", "offset"}]
    query = urlencode([*kept, ("cursor", page.next_cursor)], quote_via=quote)
    link = f'<{call.prefix}{quote(call.path)}?{query}>; rel="next"'
    return Answer(200, encode(page), headers=[(b"link", link.encode())])
