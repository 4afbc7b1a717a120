from revenge_core.testing.contracts.auth import (
    AccountReaderContract,
    BootstrapTokenStoreContract,
    CredentialStoreContract,
    PrincipalReaderContract,
    SigningKeyStoreContract,
)
from tests.contracts.memory_world import OnMemory


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
