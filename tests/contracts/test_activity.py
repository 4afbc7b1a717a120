from revenge_core.testing.contracts.activity import (
    ActivityLogContract,
    ActivityReaderContract,
)
from tests.contracts.memory_world import OnMemory


class TestMemoryActivityLog(OnMemory, ActivityLogContract):
    pass


class TestMemoryActivityReader(OnMemory, ActivityReaderContract):
    pass
