from revenge_core.testing.contracts.devices import DeviceReaderContract, DeviceTokensContract
from tests.contracts.memory_world import OnMemory
from tests.contracts.postgres_world import OnPostgres


class TestMemoryDeviceTokens(OnMemory, DeviceTokensContract):
    pass


class TestMemoryDeviceReader(OnMemory, DeviceReaderContract):
    pass


class TestPostgresDeviceTokens(OnPostgres, DeviceTokensContract):
    pass


class TestPostgresDeviceReader(OnPostgres, DeviceReaderContract):
    pass
