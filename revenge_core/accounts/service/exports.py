"""Use cases of exports: somebody's own data, for themselves (decisions I10)."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

from revenge_core.accounts.entities import AccountRules, Export
from revenge_core.accounts.jobs import BuildExport
from revenge_core.accounts.ports import AccountsTx, ExportReader, PersonalData
from revenge_core.activity.ports import ActivityReader
from revenge_core.activity.service import Activity
from revenge_core.actor import Actor
from revenge_core.background import JobContext
from revenge_core.clock import Clock
from revenge_core.ids import Ids
from revenge_core.mail.service import Notices
from revenge_core.storage.entities import StoredFile
from revenge_core.storage.ports import FileStorage
from revenge_core.uow import UnitOfWork


class Exports:
    """Exports of one's own data."""

    def __init__(  # one argument per port and service that it uses
        self,
        uow: UnitOfWork[AccountsTx],
        reader: ExportReader,
        data: PersonalData,
        log: ActivityReader,
        storage: FileStorage,
        activity: Activity,
        notices: Notices,
        clock: Clock,
        ids: Ids,
        rules: AccountRules,
    ) -> None:
        self._uow = uow
        self._reader = reader
        self._data = data
        self._log = log
        self._storage = storage
        self._activity = activity
        self._notices = notices
        self._clock = clock
        self._ids = ids
        self._rules = rules

    async def ask(self, actor: Actor) -> Export:
        """Begin an export; the one that is being made or was finished within the last day is given instead.

        Raises:
            Unauthenticated, ReauthRequired: nobody is signed in, or not lately: it holds everything.
        """
        raise NotImplementedError

    async def latest(self, actor: Actor) -> Export:
        """How far the actor's latest export is.

        Raises:
            Unauthenticated: nobody is signed in.
            ExportNotFound: there is none.
        """
        raise NotImplementedError

    def download(self, actor: Actor) -> AbstractAsyncContextManager[tuple[StoredFile, AsyncIterator[bytes]]]:
        """The file of the actor's latest export.

        Raises (on entering):
            Unauthenticated, ReauthRequired: nobody is signed in, or not lately.
            ExportNotFound: there is none, or it is not ready.
            StorageUnavailable: it cannot be read.
        """
        raise NotImplementedError

    async def build(self, job: BuildExport, ctx: JobContext) -> None:
        """Collect the data, keep the file, tell its owner. Done twice it leaves one file."""
        raise NotImplementedError
