from revenge_core.testing.contracts.session_maintenance import (
    EndedSessionsContract,
    ExpiredSessionsContract,
    UnusedDevicesContract,
)
from tests.contracts.memory_world import OnMemory
from tests.contracts.postgres_world import OnPostgres


class TestMemoryExpiredSessions(OnMemory, ExpiredSessionsContract):
    pass


class TestMemoryEndedSessions(OnMemory, EndedSessionsContract):
    pass


class TestMemoryUnusedDevices(OnMemory, UnusedDevicesContract):
    pass


class TestPostgresExpiredSessions(OnPostgres, ExpiredSessionsContract):
    pass


class TestPostgresEndedSessions(OnPostgres, EndedSessionsContract):
    pass


class TestPostgresUnusedDevices(OnPostgres, UnusedDevicesContract):
    pass
