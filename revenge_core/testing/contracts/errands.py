"""Jobs that the suites of the job queue play with, and what every second test does with them."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from typing import ClassVar, Final

import msgspec

from revenge_core.background import UNFINISHED, Job, JobSpec, JobState, Planned, Queue, Unique
from revenge_core.jobs.entities import Claimed, Failure, Finish, JobDetail, JobRules, Signal
from revenge_core.secrets import Secret
from revenge_core.testing.builders import a_worker
from revenge_core.testing.contracts.world import World

HOUR: Final = timedelta(hours=1)
EVERY_QUEUE: Final = {queue.value: 50 for queue in Queue}
RULES: Final = JobRules(
    lease=timedelta(minutes=10),
    grace=timedelta(hours=1),
    keep_completed=timedelta(hours=1),
    keep_cancelled=timedelta(hours=2),
    keep_discarded=timedelta(hours=3),
)
"""Long enough that no slow machine lets a lease run out; time is made to pass instead."""
PATIENCE_SECONDS: Final = 20
"""For what arrives at once unless it never does."""


class Mishap(Exception):  # noqa: N818 -- it stands for whatever goes wrong
    """What a test raises inside a transaction."""


class Errand(Job, kw_only=True):
    """Something to do, and nothing special about it."""

    spec: ClassVar[JobSpec] = JobSpec(kind="errand", queue=Queue.HIGH, priority=2, max_attempts=5)

    what: str = "bread"
    times: int = 1


class Delivery(Job, kw_only=True):
    """Something to do that needs a secret."""

    spec: ClassVar[JobSpec] = JobSpec(kind="delivery", timeout=None)

    key: Secret


class SoleErrand(Job, kw_only=True):
    """Unique by its arguments."""

    spec: ClassVar[JobSpec] = JobSpec(kind="sole_errand", unique=Unique())

    what: str = "bread"


class SoleDelivery(Job, kw_only=True):
    """Unique by a secret."""

    spec: ClassVar[JobSpec] = JobSpec(kind="sole_delivery", unique=Unique())

    key: Secret


class OnceErrand(Job, kw_only=True):
    """Unique by its arguments, and not done again while the finished job is kept."""

    spec: ClassVar[JobSpec] = JobSpec(
        kind="once_errand", unique=Unique(states=UNFINISHED | {JobState.COMPLETED}), max_attempts=2
    )

    what: str = "bread"


async def enqueue(world: World, *jobs: Job | Planned) -> list[int]:
    """Enqueue them in one transaction; their ids."""
    async with world.uow.begin() as tx:
        return [enqueued.id for enqueued in await tx.jobs.enqueue_many(jobs)]


async def enlist(world: World, *worker_ids: str) -> None:
    """Announce workers of these names."""
    for worker_id in worker_ids:
        await world.job_store.enlist(a_worker(worker_id))


async def job(world: World, job_id: int) -> JobDetail:
    """The job as administrators see it, with its arguments."""
    found = await world.job_reader.by_id(job_id, args=True)
    assert found is not None, f"there is no job {job_id}"
    return found


async def state(world: World, job_id: int) -> JobState:
    """Which state the job is in."""
    return (await job(world, job_id)).state


async def claim(world: World, worker_id: str = "worker") -> dict[int, Claimed]:
    """Claim whatever there is, by id."""
    return {claimed.id: claimed for claimed in await world.job_store.claim(worker_id, EVERY_QUEUE)}


async def running(world: World, *jobs: Job | Planned, worker_id: str = "worker") -> list[Claimed]:
    """Enqueue jobs, and have the worker claim them; in the order given."""
    await enlist(world, worker_id)
    ids = await enqueue(world, *jobs)
    claimed = await claim(world, worker_id)
    return [claimed[job_id] for job_id in ids]


async def finish(world: World, claimed: Claimed, to: JobState = JobState.COMPLETED, **how: object) -> bool:
    """End the run; whether that counted."""
    return claimed.key in await world.job_store.finish([ended(claimed, to, **how)])


def ended(claimed: Claimed, to: JobState = JobState.COMPLETED, **how: object) -> Finish:
    """How the run ends."""
    return msgspec.structs.replace(Finish(key=claimed.key, state=to), **how)


async def ask_to_cancel(world: World, job_id: int) -> JobState | None:
    """Cancel the job in a transaction of its own; its state."""
    async with world.uow.begin() as tx:
        return await tx.jobs.cancel(job_id)


async def bring_into(world: World, to: JobState, what: Job | Planned) -> int:
    """A job in that state; it was brought there as jobs are."""
    if to is JobState.AVAILABLE:
        return (await enqueue(world, what))[0]
    if to is JobState.SCHEDULED:
        return (await enqueue(world, msgspec.structs.replace(Planned.of(what), at=await world.now() + HOUR)))[0]
    (claimed,) = await running(world, what, worker_id="bringer")
    if to is not JobState.RUNNING:
        delay = HOUR if to is JobState.RETRYABLE else timedelta(0)
        assert await finish(world, claimed, to, delay=delay)
    return claimed.id


async def bring_into_each(world: World, states: Iterable[JobState]) -> list[int]:
    """A job in each of the states."""
    last = sorted(states, key=lambda to: to is JobState.AVAILABLE)  # whoever brings another would claim it
    return [await bring_into(world, to, Errand()) for to in last]


def told(failures: tuple[Failure, ...]) -> list[tuple[int, str, str | None]]:
    """Attempt, error and worker of each."""
    return [(failure.attempt, failure.error, failure.worker) for failure in failures]


async def heard_until(last: Signal, signals: AsyncIterator[Signal]) -> set[Signal]:
    """All that is heard, up to and with `last`."""
    heard: set[Signal] = set()
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for signal in signals:
            heard.add(signal)
            if signal == last:
                break
    assert last in heard
    return heard
