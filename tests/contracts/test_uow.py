from revenge_core.testing.contracts.uow import (
    ChangeFeedContract,
    UnitOfWorkContract,
)
from tests.contracts.memory_world import OnMemory


class TestMemoryUnitOfWork(OnMemory, UnitOfWorkContract):
    pass


class TestMemoryChangeFeed(OnMemory, ChangeFeedContract):
    pass
