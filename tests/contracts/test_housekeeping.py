"""Housekeeping as a worker does it: out of a queue, over a store, completed with its effects."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from revenge_adapters.memory.clock import ManualClock
from revenge_adapters.wiring.handlers import register
from revenge_core.activity.jobs import DropOld, MakeMonths, SealEntries, ShipCheckpoints
from revenge_core.auth.jobs import CleanUp
from revenge_core.background import Job, JobState, Progress
from revenge_core.jobs import Handlers, JobLost
from revenge_core.jobs.entities import Claimed
from revenge_core.jobs.service import RunningJob
from revenge_core.sessions.entities import EndReason
from revenge_core.sessions.jobs import SessionMaintenance
from revenge_core.testing.builders import a_bootstrap_token
from revenge_core.testing.contracts.errands import job as job_of
from revenge_core.testing.contracts.errands import running, state
from revenge_core.testing.contracts.world import World
from tests.contracts.memory_world import OnMemory
from tests.contracts.postgres_world import OnPostgres
from tests.contracts.services import services_over

HOUSEKEEPING: tuple[Job, ...] = (
    CleanUp(),
    DropOld(),
    MakeMonths(),
    SealEntries(),
    SessionMaintenance(),
    ShipCheckpoints(),
)


async def do(world: World, claimed: Claimed, clock: ManualClock) -> None:
    handlers = Handlers(world.sealer)
    register(services_over(world, clock), handlers)
    await handlers.run(claimed, RunningJob(claimed, world.job_store))


class HousekeepingStory:
    @pytest.mark.parametrize("job", HOUSEKEEPING, ids=lambda job: job.spec.kind)
    async def test_a_job_is_completed_by_its_handler(self, world: World, job: Job) -> None:
        (claimed,) = await running(world, job)
        await do(world, claimed, ManualClock())
        assert await state(world, claimed.id) is JobState.COMPLETED

    async def test_whoever_lost_the_job_has_done_nothing(self, world: World) -> None:
        clock = ManualClock()
        token = a_bootstrap_token(expires_at=clock.now() - timedelta(seconds=1))
        async with world.uow.begin() as tx:
            await tx.bootstrap_tokens.replace(token)
        (claimed,) = await running(world, CleanUp(), worker_id="frozen")
        await world.job_store.leave("frozen")
        with pytest.raises(JobLost):
            await do(world, claimed, clock)
        async with world.uow.begin() as tx:
            assert await tx.bootstrap_tokens.forget_expired(clock.now()) == 1

    async def test_progress_is_kept_with_the_job(self, world: World) -> None:
        clock = ManualClock()
        end = clock.now() - timedelta(hours=1)
        session = await world.add_session(await world.add_user(), idle_expires_at=end, expires_at=end)
        (claimed,) = await running(world, SessionMaintenance())
        await do(world, claimed, clock)
        assert (await job_of(world, claimed.id)).progress == Progress(phase="closing sessions", current=1)
        assert await world.session(session.id) == replace(session, ended_at=end, end_reason=EndReason.EXPIRED)


class TestHousekeepingOnMemory(OnMemory, HousekeepingStory):
    pass


class TestHousekeepingOnPostgres(OnPostgres, HousekeepingStory):
    pass
