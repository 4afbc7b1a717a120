from revenge_core.testing.contracts.guesses import GuessReaderContract, GuessStoreContract
from tests.contracts.memory_world import OnMemory
from tests.contracts.postgres_world import OnPostgres


class TestMemoryGuessStore(OnMemory, GuessStoreContract):
    pass


class TestMemoryGuessReader(OnMemory, GuessReaderContract):
    pass


class TestPostgresGuessStore(OnPostgres, GuessStoreContract):
    pass


class TestPostgresGuessReader(OnPostgres, GuessReaderContract):
    pass
