from revenge_core.testing.contracts.uow import (
    ChangeFeedContract,
    UnitOfWorkContract,
)
from tests.contracts.memory_world import OnMemory
from tests.contracts.postgres_world import OnPostgres


class TestMemoryUnitOfWork(OnMemory, UnitOfWorkContract):
    pass


class TestMemoryChangeFeed(OnMemory, ChangeFeedContract):
    pass


class TestPostgresUnitOfWork(OnPostgres, UnitOfWorkContract):
    pass


class TestPostgresChangeFeed(OnPostgres, ChangeFeedContract):
    pass
