from revenge_core.testing.contracts.preferences import PreferenceReaderContract, PreferenceStoreContract
from tests.contracts.memory_world import OnMemory
from tests.contracts.postgres_world import OnPostgres


class TestMemoryPreferences(OnMemory, PreferenceStoreContract):
    pass


class TestMemoryPreferenceReader(OnMemory, PreferenceReaderContract):
    pass


class TestPostgresPreferences(OnPostgres, PreferenceStoreContract):
    pass


class TestPostgresPreferenceReader(OnPostgres, PreferenceReaderContract):
    pass
