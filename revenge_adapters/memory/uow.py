"""Transactions of the doubles: one at a time, and a rollback that is real."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from typing_extensions import override

from revenge_adapters.memory.accounts import MemoryBootstrapTokens, MemoryInvitations
from revenge_adapters.memory.activity import MemoryActivityLog, MemoryActivityMonths
from revenge_adapters.memory.api_keys import MemoryApiKeys
from revenge_adapters.memory.auth import MemoryCredentials, MemorySigningKeys
from revenge_adapters.memory.avatars import MemoryAvatars
from revenge_adapters.memory.exports import MemoryExports
from revenge_adapters.memory.feed import MemoryFeed
from revenge_adapters.memory.groups import MemoryGroups
from revenge_adapters.memory.guesses import MemoryGuesses
from revenge_adapters.memory.idempotency import MemoryIdempotency
from revenge_adapters.memory.jobs.admin import MemoryJobAdmin
from revenge_adapters.memory.jobs.queue import MemoryJobQueue
from revenge_adapters.memory.jobs.wakeups import MemoryWakeUps
from revenge_adapters.memory.one_time_tokens import MemoryOneTimeTokens
from revenge_adapters.memory.preferences import MemoryPreferences
from revenge_adapters.memory.rbac import MemoryRoles
from revenge_adapters.memory.sealer import MemorySealer
from revenge_adapters.memory.seals import MemoryActivitySeals
from revenge_adapters.memory.sessions import MemoryRefreshTokens, MemorySessions
from revenge_adapters.memory.tables import MemoryTables, Rows
from revenge_adapters.memory.users import MemoryUsers
from revenge_core.jobs.entities import Signal
from revenge_core.jobs.ports import WakeUps
from revenge_core.secrets import Sealer
from revenge_core.tx import EveryTx
from revenge_core.uow import UnitOfWork


class MemoryTx(EveryTx):
    """Every store over one draft of the tables; nobody else sees the draft."""

    def __init__(self, tables: MemoryTables, rows: Rows, sealer: Sealer) -> None:
        self._tables = tables
        self._rows = rows
        self._sealer = sealer
        self._feed = MemoryFeed()
        self.signals: list[Signal] = []
        """What workers are told after the commit."""

    @property
    @override
    def activity(self) -> MemoryActivityLog:
        return MemoryActivityLog(self._rows)

    @property
    @override
    def activity_months(self) -> MemoryActivityMonths:
        return MemoryActivityMonths(self._rows)

    @property
    @override
    def activity_seals(self) -> MemoryActivitySeals:
        return MemoryActivitySeals(self._rows, self._tables.clock)

    @property
    @override
    def api_keys(self) -> MemoryApiKeys:
        return MemoryApiKeys(self._rows)

    @property
    @override
    def avatars(self) -> MemoryAvatars:
        return MemoryAvatars(self._rows)

    @property
    @override
    def bootstrap_tokens(self) -> MemoryBootstrapTokens:
        return MemoryBootstrapTokens(self._rows)

    @property
    @override
    def credentials(self) -> MemoryCredentials:
        return MemoryCredentials(self._rows)

    @property
    @override
    def exports(self) -> MemoryExports:
        return MemoryExports(self._rows)

    @property
    @override
    def feed(self) -> MemoryFeed:
        return self._feed

    @property
    @override
    def invitations(self) -> MemoryInvitations:
        return MemoryInvitations(self._rows)

    @property
    @override
    def idempotency(self) -> MemoryIdempotency:
        return MemoryIdempotency(self._rows)

    @property
    @override
    def groups(self) -> MemoryGroups:
        return MemoryGroups(self._rows)

    @property
    @override
    def guesses(self) -> MemoryGuesses:
        return MemoryGuesses(self._rows)

    @property
    @override
    def job_admin(self) -> MemoryJobAdmin:
        return MemoryJobAdmin(self._tables, self._rows, self.signals)

    @property
    @override
    def jobs(self) -> MemoryJobQueue:
        return MemoryJobQueue(self._tables, self._rows, self._sealer, self.signals)

    @property
    @override
    def one_time_tokens(self) -> MemoryOneTimeTokens:
        return MemoryOneTimeTokens(self._rows)

    @property
    @override
    def preferences(self) -> MemoryPreferences:
        return MemoryPreferences(self._rows)

    @property
    @override
    def refresh_tokens(self) -> MemoryRefreshTokens:
        return MemoryRefreshTokens(self._rows)

    @property
    @override
    def roles(self) -> MemoryRoles:
        return MemoryRoles(self._rows)

    @property
    @override
    def sessions(self) -> MemorySessions:
        return MemorySessions(self._rows)

    @property
    @override
    def signing_keys(self) -> MemorySigningKeys:
        return MemorySigningKeys(self._rows)

    @property
    @override
    def users(self) -> MemoryUsers:
        return MemoryUsers(self._rows)


class MemoryUnitOfWork(UnitOfWork[MemoryTx]):
    """Transactions over `tables`, serialised: whoever waits sees all that the one before left, as under a row lock."""

    def __init__(self, tables: MemoryTables, sealer: Sealer | None = None, wake_ups: WakeUps | None = None) -> None:
        self._tables = tables
        self._sealer = sealer or MemorySealer()
        self._wake_ups = wake_ups or MemoryWakeUps()

    @override
    @asynccontextmanager
    async def begin(self, *, durable: bool = True) -> AsyncGenerator[MemoryTx]:
        async with self._tables.draft() as draft:
            tx = MemoryTx(self._tables, draft, self._sealer)
            yield tx
            self._tables.changes.extend(tx.feed.published)
        self._wake_ups.send(tx.signals)
