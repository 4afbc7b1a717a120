"""Which jobs: what callers give is checked before a store sees it; what was changed is put down for the audit log."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from revenge_core.activity.entities import FieldChange, Resource
from revenge_core.activity.errors import CursorInvalid
from revenge_core.errors import FieldProblem
from revenge_core.jobs.entities import JobFilter
from revenge_core.jobs.errors import JobFilterInvalid

MAX_BULK: Final = 1000
"""So many jobs at most are changed by one call; who wants more calls again until nothing is done any more."""
MAX_VALUES: Final = 1000
"""So many alternatives one condition may give."""
MAX_JOB_ID: Final = 2**63 - 1
DIGITS: Final = len(str(MAX_JOB_ID))


def checked(wanted: JobFilter) -> JobFilter:
    """The filter, if a store can work with it. Names and states that do not exist are fine: nothing fits them.

    Raises:
        JobFilterInvalid: with every problem.
    """
    texts = {"kinds": wanted.kinds, "queues": wanted.queues, "tags": wanted.tags}
    numbers = {"ids": wanted.ids, "priorities": wanted.priorities}
    times = {"created_after": wanted.created_after, "created_before": wanted.created_before}
    problems = [
        *(
            FieldProblem(pointer=f"/{name}", detail=f"must be at most {MAX_VALUES}")
            for name, values in {"states": wanted.states, **texts, **numbers}.items()
            if len(values) > MAX_VALUES
        ),
        *(
            FieldProblem(pointer=f"/{name}", detail="must not contain the character U+0000")
            for name, values in texts.items()
            if any("\x00" in value for value in values)
        ),
        *(
            FieldProblem(pointer=f"/{name}", detail=f"must be from 1 to {MAX_JOB_ID}")
            for name, values in numbers.items()
            if not all(1 <= value <= MAX_JOB_ID for value in values)
        ),
        *(
            FieldProblem(pointer=f"/{name}", detail="must say in which time zone it is")
            for name, time in times.items()
            if time is not None and time.tzinfo is None
        ),
    ]
    if problems:
        raise JobFilterInvalid(problems=problems)
    return wanted


def checked_ids(ids: Sequence[int]) -> tuple[int, ...]:
    """Each once, in the order given.

    Raises:
        JobFilterInvalid: they are more than one call may change, or one is no id.
    """
    if len(ids) > MAX_BULK:
        raise JobFilterInvalid(
            problems=[FieldProblem(pointer="/ids", detail=f"must be at most {MAX_BULK}; send the rest afterwards")]
        )
    return checked(JobFilter(ids=tuple(dict.fromkeys(ids)))).ids


def number_in(cursor: str) -> int:
    """The id after which a list of jobs goes on.

    Raises:
        CursorInvalid: it is not one that the list gave out.
    """
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= DIGITS and int(cursor) <= MAX_JOB_ID):
        raise CursorInvalid
    return int(cursor)


# For the audit log ---------------------------------------------------------------------------------------------------


def of_jobs(ids: Sequence[int]) -> Resource:
    """The one job, by its id; several are named among the changes."""
    return Resource(type="job", key=str(ids[0]) if len(ids) == 1 else None)


def how_many(ids: Sequence[int]) -> dict[str, FieldChange]:
    """All of them, however many: what is deleted is named nowhere else any more."""
    return {"count": FieldChange(after=len(ids)), "jobs": FieldChange(after=ranges(ids))}


def how_chosen(which: Sequence[int] | JobFilter) -> dict[str, FieldChange]:
    """The filter as JSON, if it was one."""
    if not isinstance(which, JobFilter):
        return {}
    given = {name: value for name, value in msgspec.to_builtins(which).items() if value not in ([], (), None)}
    return {"filter": FieldChange(after=msgspec.json.encode(given).decode())}


def ranges(ids: Iterable[int]) -> str:
    """Numbers as short as possible: `1-3, 7`."""
    spans: list[tuple[int, int]] = []
    for number in sorted(ids):
        start = spans.pop()[0] if spans and spans[-1][1] == number - 1 else number
        spans.append((start, number))
    return ", ".join(str(start) if start == end else f"{start}-{end}" for start, end in spans)
