"""The job queue in memory, and what every job queue owes."""

import pytest

from revenge_adapters.memory.jobs.wakeups import MemoryWakeUps
from revenge_core.jobs.ports import WakeUps
from revenge_core.testing.contracts.jobs_finish import FencingContract, FinishContract, ProgressContract
from revenge_core.testing.contracts.jobs_queue import JobCancellationContract, JobCompletionContract, JobQueueContract
from revenge_core.testing.contracts.jobs_store import JobStoreContract, JobWorkersContract
from revenge_core.testing.contracts.jobs_unique import UniqueJobsContract
from revenge_core.testing.contracts.jobs_upkeep import CleaningContract, JobUpkeepContract, RescueContract
from revenge_core.testing.contracts.schedules import SchedulesContract, TicksContract
from revenge_core.testing.contracts.wake_ups import WakeUpsContract
from tests.contracts.memory_world import OnMemory


class TestMemoryJobQueue(OnMemory, JobQueueContract):
    pass


class TestMemoryJobCancellation(OnMemory, JobCancellationContract):
    pass


class TestMemoryJobCompletion(OnMemory, JobCompletionContract):
    pass


class TestMemoryUniqueJobs(OnMemory, UniqueJobsContract):
    pass


class TestMemoryJobStore(OnMemory, JobStoreContract):
    pass


class TestMemoryJobWorkers(OnMemory, JobWorkersContract):
    pass


class TestMemoryFinish(OnMemory, FinishContract):
    pass


class TestMemoryFencing(OnMemory, FencingContract):
    pass


class TestMemoryProgress(OnMemory, ProgressContract):
    pass


class TestMemoryJobUpkeep(OnMemory, JobUpkeepContract):
    pass


class TestMemoryRescue(OnMemory, RescueContract):
    pass


class TestMemoryCleaning(OnMemory, CleaningContract):
    pass


class TestMemorySchedules(OnMemory, SchedulesContract):
    pass


class TestMemoryTicks(OnMemory, TicksContract):
    pass


class TestMemoryWakeUps(WakeUpsContract):
    @pytest.fixture
    def wake_ups(self) -> WakeUps:
        return MemoryWakeUps()
