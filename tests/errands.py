"""Jobs in a sandbox, brought into whatever state a test of an edge wants to look at."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from revenge_adapters import Sandbox
from revenge_adapters.memory.job_rows import StoredJob
from revenge_adapters.memory.jobs.upkeep import MemoryJobUpkeep
from revenge_adapters.memory.jobs.wakeups import MemoryWakeUps
from revenge_adapters.memory.sealer import MemorySealer
from revenge_core.actor import Actor
from revenge_core.background import FINISHED, ItemStatus, Job, JobState, Missed, Planned, Progress, Schedule
from revenge_core.jobs.entities import Failure, JobItem
from revenge_core.testing.builders import a_worker
from revenge_core.testing.contracts.errands import Errand

WORKER = "kitchen:4711"


async def enqueue(box: Sandbox, *jobs: Job | Planned) -> list[int]:
    """Add jobs; one errand if none are given."""
    return [one.id for one in await box.revenge.jobs.enqueue(Actor.system(), *(jobs or (Errand(),)))]


def change(box: Sandbox, job_id: int, **changes: Any) -> StoredJob:  # noqa: ANN401 (fields of a row)
    """Write over a job's row."""
    job = box.rows.jobs[job_id] = replace(box.rows.jobs[job_id], **changes)
    return job


def put(box: Sandbox, job_id: int, state: JobState, **changes: Any) -> StoredJob:  # noqa: ANN401 (the same)
    """Bring a job into a state, with all that belongs to it."""
    now = box.clock.now()
    belonging: Mapping[str, Any] = {
        "finalized_at": now if state in FINISHED else None,
        "attempted_at": now if state is JobState.RUNNING else box.rows.jobs[job_id].attempted_at,
        "attempted_by": WORKER if state is JobState.RUNNING else None,
    }
    return change(box, job_id, **{"state": state, **belonging, **changes})


async def one_in(box: Sandbox, state: JobState, **changes: Any) -> int:  # noqa: ANN401 (the same)
    """A new job in that state."""
    (job_id,) = await enqueue(box)
    put(box, job_id, state, **changes)
    return job_id


async def a_long_job(box: Sandbox) -> int:
    """A running job in its second attempt, half done, one of its items failed."""
    now = box.clock.now()
    failure = Failure(attempt=1, at=now, error="OSError: the shop is shut", trace='  File "shop.py"\n', worker=WORKER)
    progress = Progress(phase="shopping", current=1, total=2, message="bread\x1b[31m", cursor="shelf 2")
    job_id = await one_in(box, JobState.RUNNING, attempt=2, errors=(failure,), progress=progress)
    for name, status, detail in (("bread", ItemStatus.DONE, None), ("milk", ItemStatus.FAILED, "sold out")):
        box.rows.job_items[job_id, name] = JobItem(item=name, status=status, detail=detail, at=now)
    return job_id


async def a_schedule(box: Sandbox, *names: str) -> None:
    """An errand every hour, and no other schedule."""
    box.rows.job_schedules.clear()
    upkeep = MemoryJobUpkeep(box.tables, MemorySealer(), MemoryWakeUps())
    hourly = [
        Schedule(name=name, job=Errand(), every=timedelta(hours=1), missed=Missed.SKIP)
        for name in names or ["shopping"]
    ]
    await upkeep.declare(hourly)


def somebody_works(box: Sandbox) -> None:
    """A worker with a lease."""
    now = box.clock.now()
    box.rows.job_workers[WORKER] = a_worker(WORKER, started_at=now, seen_at=now)
