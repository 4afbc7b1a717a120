from revenge_core.testing.contracts.accounts import InvitationReaderContract, InvitationStoreContract
from tests.contracts.memory_world import OnMemory
from tests.contracts.postgres_world import OnPostgres


class TestMemoryInvitationStore(OnMemory, InvitationStoreContract):
    pass


class TestMemoryInvitationReader(OnMemory, InvitationReaderContract):
    pass


class TestPostgresInvitationStore(OnPostgres, InvitationStoreContract):
    pass


class TestPostgresInvitationReader(OnPostgres, InvitationReaderContract):
    pass
