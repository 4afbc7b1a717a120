from revenge_core.testing.contracts.activity import (
    ActivityLogContract,
    ActivityMonthsContract,
    ActivityReaderContract,
)
from revenge_core.testing.contracts.activity_reading import ActivityFilterContract
from tests.contracts.memory_world import OnMemory
from tests.contracts.postgres_world import OnPostgres


class TestMemoryActivityLog(OnMemory, ActivityLogContract):
    pass


class TestMemoryActivityMonths(OnMemory, ActivityMonthsContract):
    pass


class TestMemoryActivityReader(OnMemory, ActivityReaderContract):
    pass


class TestPostgresActivityLog(OnPostgres, ActivityLogContract):
    pass


class TestPostgresActivityMonths(OnPostgres, ActivityMonthsContract):
    pass


class TestPostgresActivityReader(OnPostgres, ActivityReaderContract):
    pass


class TestMemoryActivityFilters(OnMemory, ActivityFilterContract):
    pass


class TestPostgresActivityFilters(OnPostgres, ActivityFilterContract):
    pass
