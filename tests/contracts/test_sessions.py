from revenge_core.testing.contracts.sessions import (
    DevicesContract,
    SessionReaderContract,
    SessionStoreContract,
    SightingsContract,
)
from tests.contracts.memory_world import OnMemory


class TestMemorySessionStore(OnMemory, SessionStoreContract):
    pass


class TestMemorySightings(OnMemory, SightingsContract):
    pass


class TestMemoryDevices(OnMemory, DevicesContract):
    pass


class TestMemorySessionReader(OnMemory, SessionReaderContract):
    pass
