from revenge_core.testing.contracts.rbac import (
    RoleReaderContract,
    RoleStoreContract,
)
from tests.contracts.memory_world import OnMemory
from tests.contracts.postgres_world import OnPostgres


class TestMemoryRoleStore(OnMemory, RoleStoreContract):
    pass


class TestMemoryRoleReader(OnMemory, RoleReaderContract):
    pass


class TestPostgresRoleStore(OnPostgres, RoleStoreContract):
    pass


class TestPostgresRoleReader(OnPostgres, RoleReaderContract):
    pass
