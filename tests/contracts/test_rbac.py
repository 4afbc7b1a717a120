from revenge_core.testing.contracts.rbac import (
    RoleReaderContract,
    RoleStoreContract,
)
from tests.contracts.memory_world import OnMemory


class TestMemoryRoleStore(OnMemory, RoleStoreContract):
    pass


class TestMemoryRoleReader(OnMemory, RoleReaderContract):
    pass
