"""The unit of work on PostgreSQL: one transaction, every store, and the changes that its commit announces."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final, Protocol

from typing_extensions import override

from revenge_adapters.postgres.accounts import PostgresBootstrapTokens, PostgresInvitations
from revenge_adapters.postgres.activity import PostgresActivityLog, PostgresActivityMonths
from revenge_adapters.postgres.api_keys import PostgresApiKeys
from revenge_adapters.postgres.auth import PostgresCredentials, PostgresSigningKeys
from revenge_adapters.postgres.avatars import PostgresAvatars
from revenge_adapters.postgres.db import Database, Transaction
from revenge_adapters.postgres.exports import PostgresExports
from revenge_adapters.postgres.groups import PostgresGroups
from revenge_adapters.postgres.guesses import PostgresGuesses
from revenge_adapters.postgres.idempotency import PostgresIdempotency
from revenge_adapters.postgres.jobs.admin import PostgresJobAdmin
from revenge_adapters.postgres.jobs.literals import text_array
from revenge_adapters.postgres.jobs.queue import PostgresJobQueue
from revenge_adapters.postgres.one_time_tokens import PostgresOneTimeTokens
from revenge_adapters.postgres.preferences import PostgresPreferences
from revenge_adapters.postgres.rbac import PostgresRoles
from revenge_adapters.postgres.seals import PostgresActivitySeals
from revenge_adapters.postgres.sessions import PostgresRefreshTokens, PostgresSessions
from revenge_adapters.postgres.sql import Query, SqlFile
from revenge_adapters.postgres.users import PostgresUsers
from revenge_core.feed import Change, ChangeFeed
from revenge_core.jobs.entities import Signal
from revenge_core.jobs.ports import WakeUps
from revenge_core.secrets import Sealer
from revenge_core.tx import EveryTx
from revenge_core.uow import UnitOfWork

FEED_KEPT: Final = timedelta(hours=1)
"""How long announced changes are kept: who paused longer than this forgets all it cached (rulings R25d)."""


class Sql(SqlFile, file="uow.sql"):
    """The statements of the feed's writing end."""

    publish: Query[int]
    trim: Query[int]


class CommitListener(Protocol):
    """Whoever wants to hear at once what this process itself announced."""

    def committed(self, changes: tuple[tuple[int, Change], ...]) -> None:
        """These changes, with the numbers drawn for them, are in the database now."""
        ...


class PostgresChangeFeed(ChangeFeed):
    """Collects what the transaction announces, each change once, in the order of publishing."""

    def __init__(self) -> None:
        self.collected: dict[Change, None] = {}

    @override
    def publish(self, *changes: Change) -> None:
        self.collected.update(dict.fromkeys(changes))


class PostgresTx(EveryTx):
    """One transaction, as every feature sees it."""

    def __init__(self, transaction: Transaction, sealer: Sealer) -> None:
        self._transaction = transaction
        self._sealer = sealer
        self._feed = PostgresChangeFeed()
        self.signals: dict[Signal, None] = {}
        """What workers are to be told when it has committed."""

    @property
    @override
    def activity(self) -> PostgresActivityLog:
        return PostgresActivityLog(self._transaction)

    @property
    @override
    def activity_months(self) -> PostgresActivityMonths:
        return PostgresActivityMonths(self._transaction)

    @property
    @override
    def activity_seals(self) -> PostgresActivitySeals:
        return PostgresActivitySeals(self._transaction)

    @property
    @override
    def api_keys(self) -> PostgresApiKeys:
        return PostgresApiKeys(self._transaction)

    @property
    @override
    def avatars(self) -> PostgresAvatars:
        return PostgresAvatars(self._transaction)

    @property
    @override
    def bootstrap_tokens(self) -> PostgresBootstrapTokens:
        return PostgresBootstrapTokens(self._transaction)

    @property
    @override
    def credentials(self) -> PostgresCredentials:
        return PostgresCredentials(self._transaction)

    @property
    @override
    def exports(self) -> PostgresExports:
        return PostgresExports(self._transaction)

    @property
    @override
    def feed(self) -> PostgresChangeFeed:
        return self._feed

    @property
    @override
    def invitations(self) -> PostgresInvitations:
        return PostgresInvitations(self._transaction)

    @property
    @override
    def idempotency(self) -> PostgresIdempotency:
        return PostgresIdempotency(self._transaction)

    @property
    @override
    def groups(self) -> PostgresGroups:
        return PostgresGroups(self._transaction)

    @property
    @override
    def guesses(self) -> PostgresGuesses:
        return PostgresGuesses(self._transaction)

    @property
    @override
    def job_admin(self) -> PostgresJobAdmin:
        return PostgresJobAdmin(self._transaction, self.signals)

    @property
    @override
    def jobs(self) -> PostgresJobQueue:
        return PostgresJobQueue(self._transaction, self._sealer, self.signals)

    @property
    @override
    def one_time_tokens(self) -> PostgresOneTimeTokens:
        return PostgresOneTimeTokens(self._transaction)

    @property
    @override
    def preferences(self) -> PostgresPreferences:
        return PostgresPreferences(self._transaction)

    @property
    @override
    def refresh_tokens(self) -> PostgresRefreshTokens:
        return PostgresRefreshTokens(self._transaction)

    @property
    @override
    def roles(self) -> PostgresRoles:
        return PostgresRoles(self._transaction)

    @property
    @override
    def sessions(self) -> PostgresSessions:
        return PostgresSessions(self._transaction)

    @property
    @override
    def signing_keys(self) -> PostgresSigningKeys:
        return PostgresSigningKeys(self._transaction)

    @property
    @override
    def users(self) -> PostgresUsers:
        return PostgresUsers(self._transaction)


class PostgresUnitOfWork(UnitOfWork[PostgresTx]):
    """Opens transactions. `listener` hears of announced changes right after the commit, `wake_ups` of jobs."""

    def __init__(
        self, database: Database, listener: CommitListener | None = None, *, sealer: Sealer, wake_ups: WakeUps
    ) -> None:
        self._database = database
        self._listener = listener
        self._sealer = sealer
        self._wake_ups = wake_ups

    @override
    @asynccontextmanager
    async def begin(self, *, durable: bool = True) -> AsyncGenerator[PostgresTx]:
        announced: tuple[tuple[int, Change], ...] = ()
        async with self._database.transaction(durable=durable) as transaction:
            tx = PostgresTx(transaction, self._sealer)
            yield tx
            if changes := tuple(tx.feed.collected):
                numbers = await transaction.commit_with(
                    Sql.publish,
                    topics=text_array(change.topic for change in changes),
                    keys=text_array(change.key for change in changes),
                )
                announced = tuple(zip(numbers, changes, strict=True))
        if announced and self._listener is not None:
            self._listener.committed(announced)
        if tx.signals:
            self._wake_ups.send(tx.signals)


async def trim_changes(database: Database, now: datetime) -> int:
    """Forget changes that were announced more than an hour ago; how many. Housekeeping calls it.

    Raises:
        DatabaseUnavailable: nothing was forgotten.
    """
    return await database.one(Sql.trim, before=now - FEED_KEPT) or 0
