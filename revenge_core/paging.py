"""Pages of a list."""

from typing import Final, Generic, TypeVar

from revenge_core.entity import Entity
from revenge_core.errors import FieldProblem, Invalid

T = TypeVar("T")

MAX_LIMIT: Final = 200
MAX_OFFSET: Final = 1_000_000


class Page(Entity, Generic[T], kw_only=True):
    """Some items of a longer list. `next_cursor` continues after the last of them, None at the end of the list."""

    items: tuple[T, ...]
    next_cursor: str | None = None


def checked_limit(limit: int) -> int:
    """`limit`, if a page may be that long (1 to 200).

    Raises:
        Invalid: it may not.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise Invalid(problems=[FieldProblem(pointer="/limit", detail=f"must be from 1 to {MAX_LIMIT}")])
    return limit


def checked_offset(offset: int) -> int:
    """`offset`, if a page may begin there (0 to 1,000,000).

    Raises:
        Invalid: it may not.
    """
    if not 0 <= offset <= MAX_OFFSET:
        raise Invalid(problems=[FieldProblem(pointer="/offset", detail=f"must be from 0 to {MAX_OFFSET}")])
    return offset
