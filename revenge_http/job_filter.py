"""Which jobs: in the query of a list, and in the body of a change to many."""

from typing import Annotated, Final

from msgspec import UNSET, Meta, UnsetType

from revenge_core.background import JobState
from revenge_core.errors import FieldProblem
from revenge_core.jobs import entities
from revenge_core.jobs.policy import MAX_TAG_LENGTH
from revenge_core.jobs.service.selection import MAX_BULK, MAX_JOB_ID
from revenge_http.errors import RequestInvalid
from revenge_http.parameters import VERBATIM
from revenge_http.wire import Timestamp, Wire, given

JobId = Annotated[int, Meta(ge=1, le=MAX_JOB_ID)]

_SOME: Final = Meta(min_length=1, max_length=100)
_Name = Annotated[str, Meta(min_length=1, max_length=200)]

States = Annotated[tuple[JobState, ...], _SOME]
Kinds = Annotated[tuple[_Name, ...], _SOME]
Queues = Annotated[tuple[_Name, ...], _SOME]
Priorities = Annotated[tuple[Annotated[int, Meta(ge=1, le=4)], ...], _SOME]
Tags = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=MAX_TAG_LENGTH)], ...], _SOME, VERBATIM]
Ids = Annotated[tuple[JobId, ...], Meta(min_length=1, max_length=MAX_BULK)]


class JobFilter(Wire, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which jobs: all conditions hold; of several values one has to fit, of tags all.

    `created_after` is that moment or later. Unlike elsewhere a name that is unknown is refused: to leave a condition
    out would make a deletion wider.
    """

    state: States = ()
    kind: Kinds = ()
    queue: Queues = ()
    priority: Priorities = ()
    tag: Tags = ()
    id: Ids = ()
    cancel_requested: bool | UnsetType = UNSET
    created_after: Timestamp | UnsetType = UNSET
    created_before: Timestamp | UnsetType = UNSET

    def wanted(self) -> entities.JobFilter:
        """As the service understands it."""
        return entities.JobFilter(
            states=self.state,
            kinds=self.kind,
            queues=self.queue,
            priorities=self.priority,
            tags=self.tag,
            ids=self.id,
            cancel_requested=given(self.cancel_requested),
            created_after=given(self.created_after),
            created_before=given(self.created_before),
        )


class JobSelection(Wire, kw_only=True):
    """The jobs to change: by id, or all that fit a filter, of which at most 1,000 are changed at a time."""

    ids: Ids | UnsetType = UNSET
    filter: JobFilter | UnsetType = UNSET

    def which(self) -> tuple[int, ...] | entities.JobFilter:
        """As the service understands it.

        Raises:
            RequestInvalid: there is none of the two, or both.
        """
        if (self.ids is UNSET) == (self.filter is UNSET):
            told = [FieldProblem(pointer=f"/{name}", detail="give either ids or filter") for name in ("ids", "filter")]
            raise RequestInvalid(problems=told)
        return self.filter.wanted() if self.filter is not UNSET else self.ids if self.ids is not UNSET else ()
