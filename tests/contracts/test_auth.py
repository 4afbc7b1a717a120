from revenge_core.testing.contracts.auth import (
    AccountReaderContract,
    BootstrapTokenStoreContract,
    CredentialStoreContract,
    PrincipalReaderContract,
    SigningKeyStoreContract,
)
from tests.contracts.memory_world import OnMemory
from tests.contracts.postgres_world import OnPostgres


class TestMemoryCredentialStore(OnMemory, CredentialStoreContract):
    pass


class TestMemoryAccountReader(OnMemory, AccountReaderContract):
    pass


class TestMemoryPrincipalReader(OnMemory, PrincipalReaderContract):
    pass


class TestMemoryBootstrapTokenStore(OnMemory, BootstrapTokenStoreContract):
    pass


class TestMemorySigningKeyStore(OnMemory, SigningKeyStoreContract):
    pass


class TestPostgresCredentialStore(OnPostgres, CredentialStoreContract):
    pass


class TestPostgresAccountReader(OnPostgres, AccountReaderContract):
    pass


class TestPostgresPrincipalReader(OnPostgres, PrincipalReaderContract):
    pass


class TestPostgresBootstrapTokenStore(OnPostgres, BootstrapTokenStoreContract):
    pass


class TestPostgresSigningKeyStore(OnPostgres, SigningKeyStoreContract):
    pass
