"""`/admin/workers`: who does the jobs."""

from msgspec import UNSET, UnsetType

from revenge_core.jobs.entities import WorkerInfo
from revenge_core.permissions import Permission
from revenge_http.access import needs
from revenge_http.operations import Call, operation
from revenge_http.wire import Timestamp, Wire, present


class Worker(Wire, kw_only=True):
    """One process that runs jobs."""

    id: str
    host: str
    pid: int
    version: str
    queues: dict[str, int]
    """How many jobs of each queue it runs at a time."""
    running: int
    started_at: Timestamp | UnsetType = UNSET
    seen_at: Timestamp | UnsetType = UNSET

    @classmethod
    def of(cls, worker: WorkerInfo) -> "Worker":
        """The worker."""
        return cls(
            id=worker.id,
            host=worker.host,
            pid=worker.pid,
            version=worker.version,
            queues=worker.queues,
            running=worker.running,
            started_at=present(worker.started_at),
            seen_at=present(worker.seen_at),
        )


class WorkerList(Wire, kw_only=True):
    """All workers that were heard of lately, by id."""

    workers: list[Worker]


@operation("GET", "/api/v1/admin/workers", "adminListWorkers", needs(Permission.WORKERS_LIST))
async def list_workers(call: Call) -> WorkerList:
    """Every process that runs jobs now."""
    return WorkerList(workers=[Worker.of(one) for one in await call.revenge.jobs.workers(call.actor)])


operations = (list_workers,)
