from revenge_core.testing.contracts.job_reader import JobCountsContract, JobReaderContract, OneJobContract
from tests.contracts.memory_world import OnMemory
from tests.contracts.postgres_world import OnPostgres


class TestMemoryJobReader(OnMemory, JobReaderContract):
    pass


class TestMemoryOneJob(OnMemory, OneJobContract):
    pass


class TestMemoryJobCounts(OnMemory, JobCountsContract):
    pass


class TestPostgresJobReader(OnPostgres, JobReaderContract):
    pass


class TestPostgresOneJob(OnPostgres, OneJobContract):
    pass


class TestPostgresJobCounts(OnPostgres, JobCountsContract):
    pass
