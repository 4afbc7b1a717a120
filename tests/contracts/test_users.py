from revenge_core.testing.contracts.users import (
    UserReaderContract,
    UserStoreContract,
)
from tests.contracts.memory_world import OnMemory
from tests.contracts.postgres_world import OnPostgres


class TestMemoryUserStore(OnMemory, UserStoreContract):
    pass


class TestMemoryUserReader(OnMemory, UserReaderContract):
    pass


class TestPostgresUserStore(OnPostgres, UserStoreContract):
    pass


class TestPostgresUserReader(OnPostgres, UserReaderContract):
    pass
