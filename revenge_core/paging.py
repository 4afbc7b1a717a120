"""Pages of a list."""

from typing import Final, Generic, TypeVar

from revenge_core.entity import Entity
from revenge_core.errors import FieldProblem, Invalid

T = TypeVar("T")

MAX_LIMIT: Final = 200


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
