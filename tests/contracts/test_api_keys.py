from revenge_core.testing.contracts.api_keys import (
    KeyPrincipalReaderContract,
    KeyReaderContract,
    KeyStoreContract,
    KeyUpkeepContract,
    KeyUsesContract,
)
from tests.contracts.memory_world import OnMemory
from tests.contracts.postgres_world import OnPostgres
from tests.contracts.test_feed import OnCachedPostgres


class TestMemoryKeyStore(OnMemory, KeyStoreContract):
    pass


class TestMemoryKeyUses(OnMemory, KeyUsesContract):
    pass


class TestMemoryKeyUpkeep(OnMemory, KeyUpkeepContract):
    pass


class TestMemoryKeyReader(OnMemory, KeyReaderContract):
    pass


class TestMemoryKeyPrincipalReader(OnMemory, KeyPrincipalReaderContract):
    pass


class TestPostgresKeyStore(OnPostgres, KeyStoreContract):
    pass


class TestPostgresKeyUses(OnPostgres, KeyUsesContract):
    pass


class TestPostgresKeyUpkeep(OnPostgres, KeyUpkeepContract):
    pass


class TestPostgresKeyReader(OnPostgres, KeyReaderContract):
    pass


class TestPostgresKeyPrincipalReader(OnPostgres, KeyPrincipalReaderContract):
    pass


class TestCachedKeyPrincipals(OnCachedPostgres, KeyPrincipalReaderContract):
    pass
