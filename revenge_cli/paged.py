"""Reading a list page by page."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from revenge_core.paging import MAX_LIMIT

T = TypeVar("T")


async def all_of(page: Callable[[int, int], Awaitable[tuple[list[T], int]]], limit: int) -> tuple[list[T], int]:
    """Up to `limit` of what `page` gives for a limit and an offset, and how many there are in all."""
    found: list[T] = []
    total = 1
    while len(found) < min(limit, total):
        some, total = await page(min(limit - len(found), MAX_LIMIT), len(found))
        if not some:
            break
        found += some
    return found, total
