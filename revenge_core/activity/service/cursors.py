"""Places in the audit log, as lists and exports hand them out.

A cursor says the time and the id of an entry. So it goes on being good when that entry is gone, by retention for
instance, and nothing has to be looked up to go on from it. It holds nothing that its reader did not just see.
"""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from revenge_core.activity.entities import Edge, NamedEntry
from revenge_core.activity.errors import CursorInvalid
from revenge_core.errors import FieldProblem
from revenge_core.ids import EntryId

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TICK: Final = timedelta(microseconds=1)
_LONGEST: Final = 60
"""18 digits of microseconds, a sign, a separator and an id; what is longer is nothing of ours."""


def edge_after(named: NamedEntry) -> Edge:
    """The place of an entry."""
    return Edge(at=named.entry.created_at, id=named.entry.id)


def cursor_after(named: NamedEntry) -> str:
    """The same, as text."""
    return f"{(named.entry.created_at - _EPOCH) // _TICK}.{named.entry.id.hex}"


def edge_of(cursor: str, *, pointer: str = "/cursor") -> Edge:
    """The place that a cursor means; `pointer` says where it was given.

    Raises:
        CursorInvalid: it is none.
    """
    ticks, _, entry_id = cursor.partition(".")
    try:
        if len(cursor) > _LONGEST or not cursor.isascii():
            raise ValueError
        return Edge(at=_EPOCH + int(ticks) * _TICK, id=EntryId(UUID(entry_id)))
    except (ValueError, OverflowError):
        problems = [FieldProblem(pointer=pointer, detail="is not one of the audit log")]
        raise CursorInvalid(problems=problems) from None
