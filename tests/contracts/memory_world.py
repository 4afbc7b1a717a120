"""The doubles, as the contracts want them."""

from datetime import datetime

import pytest

from revenge_adapters.memory.accounts import MemoryInvitationReader
from revenge_adapters.memory.activity import MemoryActivityReader
from revenge_adapters.memory.api_keys import MemoryKeyPrincipalReader, MemoryKeyReader
from revenge_adapters.memory.auth import MemoryAccountReader, MemoryPrincipalReader
from revenge_adapters.memory.clock import ManualClock
from revenge_adapters.memory.devices import MemoryDeviceReader
from revenge_adapters.memory.exports import MemoryExportReader, MemoryPersonalData
from revenge_adapters.memory.groups import MemoryGroupReader
from revenge_adapters.memory.guesses import MemoryGuessReader
from revenge_adapters.memory.jobs.reader import MemoryJobReader
from revenge_adapters.memory.jobs.store import MemoryJobStore
from revenge_adapters.memory.jobs.upkeep import MemoryJobUpkeep
from revenge_adapters.memory.jobs.wakeups import MemoryWakeUps
from revenge_adapters.memory.preferences import MemoryPreferenceReader
from revenge_adapters.memory.rbac import MemoryRoleDirectory, MemoryRoleReader
from revenge_adapters.memory.sealer import MemorySealer
from revenge_adapters.memory.seals import MemorySealReader
from revenge_adapters.memory.sessions import MemorySessionReader
from revenge_adapters.memory.tables import MemoryTables
from revenge_adapters.memory.uow import MemoryUnitOfWork
from revenge_adapters.memory.users import MemoryUserDirectory, MemoryUserReader
from revenge_core.feed import Change
from revenge_core.testing.contracts.world import World


def memory_world() -> World:
    """A new and empty world."""
    clock, sealer, wake_ups = ManualClock(), MemorySealer(), MemoryWakeUps()
    tables = MemoryTables(clock)

    async def announced() -> tuple[Change, ...]:
        return tuple(tables.changes)

    async def now() -> datetime:
        return clock.now()

    async def pass_time(seconds: float) -> None:
        clock.advance(seconds=seconds)

    async def lose_leases() -> None:
        tables.rows.job_workers.clear()
        tables.rows.job_leader.clear()
        tables.leases_since = None

    return World(
        uow=MemoryUnitOfWork(tables, sealer, wake_ups),
        users=MemoryUserReader(tables),
        sessions=MemorySessionReader(tables),
        devices=MemoryDeviceReader(tables),
        groups=MemoryGroupReader(tables),
        guesses=MemoryGuessReader(tables),
        roles=MemoryRoleReader(tables),
        role_directory=MemoryRoleDirectory(tables),
        activity=MemoryActivityReader(tables),
        seals=MemorySealReader(tables),
        accounts=MemoryAccountReader(tables),
        api_keys=MemoryKeyReader(tables),
        key_principals=MemoryKeyPrincipalReader(tables),
        principals=MemoryPrincipalReader(tables),
        user_directory=MemoryUserDirectory(tables),
        invitations=MemoryInvitationReader(tables),
        preferences=MemoryPreferenceReader(tables),
        exports=MemoryExportReader(tables),
        personal_data=MemoryPersonalData(tables),
        announced=announced,
        job_store=MemoryJobStore(tables),
        job_upkeep=MemoryJobUpkeep(tables, sealer, wake_ups),
        job_reader=MemoryJobReader(tables),
        wake_ups=wake_ups,
        sealer=sealer,
        now=now,
        pass_time=pass_time,
        lose_leases=lose_leases,
    )


class OnMemory:
    """Runs a suite on the doubles."""

    @pytest.fixture
    def world(self) -> World:
        return memory_world()
