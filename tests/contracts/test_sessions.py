from revenge_core.testing.contracts.sessions import (
    DevicesContract,
    SessionReaderContract,
    SessionStoreContract,
    SightingsContract,
)
from tests.contracts.memory_world import OnMemory
from tests.contracts.postgres_world import OnPostgres


class TestMemorySessionStore(OnMemory, SessionStoreContract):
    pass


class TestMemorySightings(OnMemory, SightingsContract):
    pass


class TestMemoryDevices(OnMemory, DevicesContract):
    pass


class TestMemorySessionReader(OnMemory, SessionReaderContract):
    pass


class TestPostgresSessionStore(OnPostgres, SessionStoreContract):
    pass


class TestPostgresSightings(OnPostgres, SightingsContract):
    pass


class TestPostgresDevices(OnPostgres, DevicesContract):
    pass


class TestPostgresSessionReader(OnPostgres, SessionReaderContract):
    pass
