"""The job queue in PostgreSQL, and what every job queue owes."""

import pytest

from revenge_core.jobs.ports import WakeUps
from revenge_core.testing.contracts.jobs_finish import FencingContract, FinishContract, ProgressContract
from revenge_core.testing.contracts.jobs_queue import JobCancellationContract, JobCompletionContract, JobQueueContract
from revenge_core.testing.contracts.jobs_store import JobStoreContract, JobWorkersContract
from revenge_core.testing.contracts.jobs_unique import UniqueJobsContract
from revenge_core.testing.contracts.jobs_upkeep import CleaningContract, JobUpkeepContract, RescueContract
from revenge_core.testing.contracts.schedules import SchedulesContract, TicksContract
from revenge_core.testing.contracts.wake_ups import WakeUpsContract
from revenge_core.testing.contracts.world import World
from tests.contracts.postgres_world import OnPostgres


class TestPostgresFinish(OnPostgres, FinishContract):
    pass


class TestPostgresFencing(OnPostgres, FencingContract):
    pass


class TestPostgresProgress(OnPostgres, ProgressContract):
    pass


class TestPostgresJobQueue(OnPostgres, JobQueueContract):
    pass


class TestPostgresJobCancellation(OnPostgres, JobCancellationContract):
    pass


class TestPostgresJobCompletion(OnPostgres, JobCompletionContract):
    pass


class TestPostgresJobStore(OnPostgres, JobStoreContract):
    pass


class TestPostgresJobWorkers(OnPostgres, JobWorkersContract):
    pass


class TestPostgresUniqueJobs(OnPostgres, UniqueJobsContract):
    pass


class TestPostgresJobUpkeep(OnPostgres, JobUpkeepContract):
    pass


class TestPostgresRescue(OnPostgres, RescueContract):
    pass


class TestPostgresCleaning(OnPostgres, CleaningContract):
    pass


class TestPostgresSchedules(OnPostgres, SchedulesContract):
    pass


class TestPostgresTicks(OnPostgres, TicksContract):
    pass


class TestPostgresWakeUps(OnPostgres, WakeUpsContract):
    @pytest.fixture
    def wake_ups(self, world: World) -> WakeUps:
        return world.wake_ups
