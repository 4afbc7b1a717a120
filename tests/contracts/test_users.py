from revenge_core.testing.contracts.user_directory import PurgeContract, UserDirectoryContract
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


class TestMemoryUserDirectory(OnMemory, UserDirectoryContract):
    pass


class TestMemoryPurge(OnMemory, PurgeContract):
    pass


class TestPostgresUserDirectory(OnPostgres, UserDirectoryContract):
    pass


class TestPostgresPurge(OnPostgres, PurgeContract):
    pass
