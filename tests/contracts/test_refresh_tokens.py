from revenge_core.testing.contracts.refresh_tokens import (
    RefreshTokenStoreContract,
)
from tests.contracts.memory_world import OnMemory
from tests.contracts.postgres_world import OnPostgres


class TestMemoryRefreshTokenStore(OnMemory, RefreshTokenStoreContract):
    pass


class TestPostgresRefreshTokenStore(OnPostgres, RefreshTokenStoreContract):
    pass
