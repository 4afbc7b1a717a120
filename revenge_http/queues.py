"""`/admin/queues`: where jobs wait for their turn."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from revenge_core.background import UNFINISHED, JobState
from revenge_core.jobs.entities import QueueInfo
from revenge_core.jobs.errors import QueueNotFound
from revenge_core.permissions import Permission
from revenge_http.access import needs
from revenge_http.operations import Call, operation
from revenge_http.wire import Timestamp, Wire, present

Name = Annotated[str, Meta(max_length=200)]


class JobQueue(Wire, kw_only=True):
    """One queue at this moment."""

    name: str
    paused: bool
    paused_at: Timestamp | UnsetType = UNSET
    workers: int
    """How many jobs of it all living workers together run at a time."""
    counts: dict[JobState, int]
    """Jobs that are not finished."""
    oldest_available_at: Timestamp | UnsetType = UNSET

    @classmethod
    def of(cls, queue: QueueInfo) -> "JobQueue":
        """The queue."""
        return cls(
            name=queue.name,
            paused=queue.paused_at is not None,
            paused_at=present(queue.paused_at),
            workers=queue.workers,
            counts={state: queue.counts.get(state, 0) for state in sorted(UNFINISHED)},
            oldest_available_at=present(queue.oldest_available_at),
        )


class JobQueueList(Wire, kw_only=True):
    """All queues, by name."""

    queues: list[JobQueue]


_QUEUES = "/api/v1/admin/queues"
_may_pause = needs(Permission.QUEUES_UPDATE)


@operation("GET", _QUEUES, "adminListQueues", needs(Permission.QUEUES_LIST))
async def list_queues(call: Call) -> JobQueueList:
    """Every queue with what is in it."""
    return JobQueueList(queues=[JobQueue.of(one) for one in await call.revenge.jobs.queues(call.actor)])


@operation("POST", f"{_QUEUES}/{{name}}/pause", "adminPauseQueue", _may_pause, raises=(QueueNotFound,))
async def pause_queue(call: Call, name: Name) -> JobQueue:
    """Stop handing out a queue's jobs, on every worker; those that run go on."""
    return JobQueue.of(await call.revenge.jobs.pause_queue(call.actor, name, paused=True))


@operation("POST", f"{_QUEUES}/{{name}}/resume", "adminResumeQueue", _may_pause, raises=(QueueNotFound,))
async def resume_queue(call: Call, name: Name) -> JobQueue:
    """Hand out a queue's jobs again."""
    return JobQueue.of(await call.revenge.jobs.pause_queue(call.actor, name, paused=False))


operations = (list_queues, pause_queue, resume_queue)
