"""Finding the group that somebody names."""

from difflib import get_close_matches
from typing import Final
from uuid import UUID

from revenge_cli.access_records import GroupRecord
from revenge_cli.desk import Desk
from revenge_cli.paged import all_of
from revenge_core.rbac.errors import GroupNotFound
from revenge_core.users.policy import name_key

_ALL: Final = 1_000_000
_SHOWN: Final = 64


async def groups_of(desk: Desk, limit: int = _ALL) -> tuple[list[GroupRecord], int]:
    """Groups, by name, and how many there are in all."""

    async def some(limit: int, offset: int) -> tuple[list[GroupRecord], int]:
        found, total = await desk.access.groups(limit=limit, offset=offset)
        return list(found), total

    return await all_of(some, limit)


async def group_named(desk: Desk, name: str) -> GroupRecord:
    """The group with this id or name.

    Raises:
        GroupNotFound: there is none; the message names one that is spelled much alike.
    """
    try:
        return await desk.access.group(UUID(name))
    except ValueError:
        found, _ = await groups_of(desk)
    for group in found:
        if name_key(group.name) == name_key(name):
            return group
    close = get_close_matches(name, [group.name for group in found], n=1)
    hint = f"did you mean {close[0]}?" if close else "`revenge groups list` shows which there are"
    raise GroupNotFound(f"There is no group {name[:_SHOWN]!r}; {hint}")
