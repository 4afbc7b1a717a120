from revenge_core.testing.contracts.job_admin import JobAdminContract, RetriesContract, UniqueRetriesContract
from revenge_core.testing.contracts.job_admin_ends import (
    CancelsContract,
    DeletionsContract,
    PausesContract,
    RunsNowContract,
)
from tests.contracts.memory_world import OnMemory
from tests.contracts.postgres_world import OnPostgres


class TestMemoryJobAdmin(OnMemory, JobAdminContract):
    pass


class TestMemoryRetries(OnMemory, RetriesContract):
    pass


class TestMemoryUniqueRetries(OnMemory, UniqueRetriesContract):
    pass


class TestMemoryCancels(OnMemory, CancelsContract):
    pass


class TestMemoryDeletions(OnMemory, DeletionsContract):
    pass


class TestMemoryPauses(OnMemory, PausesContract):
    pass


class TestMemoryRunsNow(OnMemory, RunsNowContract):
    pass


class TestPostgresJobAdmin(OnPostgres, JobAdminContract):
    pass


class TestPostgresRetries(OnPostgres, RetriesContract):
    pass


class TestPostgresUniqueRetries(OnPostgres, UniqueRetriesContract):
    pass


class TestPostgresCancels(OnPostgres, CancelsContract):
    pass


class TestPostgresDeletions(OnPostgres, DeletionsContract):
    pass


class TestPostgresPauses(OnPostgres, PausesContract):
    pass


class TestPostgresRunsNow(OnPostgres, RunsNowContract):
    pass
