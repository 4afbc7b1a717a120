from revenge_core.testing.contracts.rbac import (
    RoleReaderContract,
    RoleStoreContract,
)
from revenge_core.testing.contracts.role_store import (
    GrantSourcesContract,
    RoleDirectoryContract,
    RoleEditingContract,
)
from tests.contracts.memory_world import OnMemory
from tests.contracts.postgres_world import OnPostgres


class TestMemoryRoleStore(OnMemory, RoleStoreContract):
    pass


class TestMemoryRoleEditing(OnMemory, RoleEditingContract):
    pass


class TestMemoryGrantSources(OnMemory, GrantSourcesContract):
    pass


class TestMemoryRoleDirectory(OnMemory, RoleDirectoryContract):
    pass


class TestMemoryRoleReader(OnMemory, RoleReaderContract):
    pass


class TestPostgresRoleStore(OnPostgres, RoleStoreContract):
    pass


class TestPostgresRoleEditing(OnPostgres, RoleEditingContract):
    pass


class TestPostgresGrantSources(OnPostgres, GrantSourcesContract):
    pass


class TestPostgresRoleDirectory(OnPostgres, RoleDirectoryContract):
    pass


class TestPostgresRoleReader(OnPostgres, RoleReaderContract):
    pass
