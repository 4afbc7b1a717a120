from revenge_core.testing.contracts.one_time_tokens import OneTimeTokenStoreContract
from tests.contracts.memory_world import OnMemory
from tests.contracts.postgres_world import OnPostgres


class TestMemoryOneTimeTokenStore(OnMemory, OneTimeTokenStoreContract):
    pass


class TestPostgresOneTimeTokenStore(OnPostgres, OneTimeTokenStoreContract):
    pass
