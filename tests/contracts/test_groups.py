from revenge_core.testing.contracts.groups import GroupReaderContract, GroupStoreContract
from tests.contracts.memory_world import OnMemory
from tests.contracts.postgres_world import OnPostgres


class TestMemoryGroupStore(OnMemory, GroupStoreContract):
    pass


class TestMemoryGroupReader(OnMemory, GroupReaderContract):
    pass


class TestPostgresGroupStore(OnPostgres, GroupStoreContract):
    pass


class TestPostgresGroupReader(OnPostgres, GroupReaderContract):
    pass
