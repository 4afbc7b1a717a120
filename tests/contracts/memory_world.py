"""The doubles, as the contracts want them."""

import pytest

from revenge_adapters.memory.activity import MemoryActivityReader
from revenge_adapters.memory.auth import MemoryAccountReader, MemoryPrincipalReader
from revenge_adapters.memory.jobs.reader import MemoryJobReader
from revenge_adapters.memory.rbac import MemoryRoleReader
from revenge_adapters.memory.sessions import MemorySessionReader
from revenge_adapters.memory.tables import MemoryTables
from revenge_adapters.memory.uow import MemoryUnitOfWork
from revenge_adapters.memory.users import MemoryUserReader
from revenge_core.feed import Change
from revenge_core.testing.contracts.world import World


def memory_world() -> World:
    """A new and empty world."""
    tables = MemoryTables()

    async def announced() -> tuple[Change, ...]:
        return tuple(tables.changes)

    return World(
        uow=MemoryUnitOfWork(tables),
        users=MemoryUserReader(tables),
        sessions=MemorySessionReader(tables),
        roles=MemoryRoleReader(tables),
        activity=MemoryActivityReader(tables),
        accounts=MemoryAccountReader(tables),
        principals=MemoryPrincipalReader(tables),
        announced=announced,
        job_reader=MemoryJobReader(tables),
    )


class OnMemory:
    """Runs a suite on the doubles."""

    @pytest.fixture
    def world(self) -> World:
        return memory_world()
