from revenge_core.testing.contracts.exports import ExportReaderContract, ExportStoreContract, PersonalDataContract
from tests.contracts.memory_world import OnMemory
from tests.contracts.postgres_world import OnPostgres


class TestMemoryExports(OnMemory, ExportStoreContract):
    pass


class TestMemoryExportReader(OnMemory, ExportReaderContract):
    pass


class TestMemoryPersonalData(OnMemory, PersonalDataContract):
    pass


class TestPostgresExports(OnPostgres, ExportStoreContract):
    pass


class TestPostgresExportReader(OnPostgres, ExportReaderContract):
    pass


class TestPostgresPersonalData(OnPostgres, PersonalDataContract):
    pass
