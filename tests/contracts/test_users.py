from revenge_core.testing.contracts.users import (
    UserReaderContract,
    UserStoreContract,
)
from tests.contracts.memory_world import OnMemory


class TestMemoryUserStore(OnMemory, UserStoreContract):
    pass


class TestMemoryUserReader(OnMemory, UserReaderContract):
    pass
