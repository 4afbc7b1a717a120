from revenge_core.testing.contracts.refresh_tokens import (
    RefreshTokenStoreContract,
)
from tests.contracts.memory_world import OnMemory


class TestMemoryRefreshTokenStore(OnMemory, RefreshTokenStoreContract):
    pass
