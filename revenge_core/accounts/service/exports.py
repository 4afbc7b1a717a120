"""Use cases of exports: somebody's own data, for themselves (decisions I10)."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from revenge_core.accounts.entities import AccountRules, Export, ExportState, Person
from revenge_core.accounts.errors import ExportNotFound
from revenge_core.accounts.jobs import BuildExport, EraseFiles, tag_of
from revenge_core.accounts.ports import AccountsTx, ExportReader, PersonalData
from revenge_core.accounts.service.bundle import Sources, bundle
from revenge_core.activity.entities import Action, Resource
from revenge_core.activity.service import Activity
from revenge_core.actor import Actor
from revenge_core.background import CancelJob, DiscardJob, JobContext, Planned
from revenge_core.clock import Clock
from revenge_core.errors import Unauthenticated
from revenge_core.ids import ExportId, Ids
from revenge_core.mail.entities import Notice
from revenge_core.mail.errors import MailInvalid
from revenge_core.mail.service import Notices
from revenge_core.storage.entities import StoredFile
from revenge_core.storage.errors import FileTooLarge, StorageUnavailable, StoredFileNotFound
from revenge_core.storage.ports import FileStorage
from revenge_core.uow import UnitOfWork

FRESH: Final = timedelta(days=1)
"""For so long an export is not made again. One that takes longer has come to grief, whatever became of its job."""
MEDIA_TYPE: Final = "application/zip"


class Exports:
    """Exports of one's own data."""

    def __init__(  # one argument per port and service that it uses
        self,
        uow: UnitOfWork[AccountsTx],
        reader: ExportReader,
        data: PersonalData,
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
        self._storage = storage
        self._activity = activity
        self._notices = notices
        self._clock = clock
        self._ids = ids
        self._rules = rules

    async def ask(self, actor: Actor) -> Export:
        """Begin an export; the one that is being made or was finished within the last day is given instead.

        Raises:
            Unauthenticated, KeyRefused, ReauthRequired: nobody is signed in, or not lately: it holds everything.
        """
        now = self._clock.now()
        actor.require_proof(now)
        user_id = actor.require_person()
        async with self._uow.begin() as tx:
            if await tx.users.lock(user_id) is None:
                raise Unauthenticated
            before = await tx.exports.of_user(user_id)
            if before is not None and _will_do(before, now):
                return before
            new_id = ExportId(self._ids.new())
            export = Export(id=new_id, user_id=user_id, state=ExportState.PENDING, requested_at=now, key=key_of(new_id))
            await tx.exports.put(export)
            await tx.jobs.enqueue(Planned(job=BuildExport(export_id=new_id), tags=(tag_of(user_id),)))
            if before is not None and before.key is not None:
                await tx.jobs.enqueue(EraseFiles(keys=(before.key,)))
            await self._activity.write(
                tx, actor, Action.USER_EXPORT, resource=Resource(type="user", id=user_id, key=str(export.id))
            )
        return export

    async def latest(self, actor: Actor) -> Export:
        """How far the actor's latest export is.

        Raises:
            Unauthenticated, KeyRefused: nobody is signed in, or it is an API key.
            ExportNotFound: there is none.
        """
        export = await self._reader.of_user(actor.require_person())
        if export is None:
            raise ExportNotFound
        return replace(export, state=_state_at(export, self._clock.now()))

    @asynccontextmanager
    async def download(self, actor: Actor) -> AsyncGenerator[tuple[StoredFile, AsyncIterator[bytes]]]:
        """The file of the actor's latest export.

        Raises (on entering):
            Unauthenticated, KeyRefused, ReauthRequired: nobody is signed in, or not lately.
            ExportNotFound: there is none, or it is not ready.
            StorageUnavailable: it cannot be read.
        """
        now = self._clock.now()
        actor.require_proof(now)
        user_id = actor.require_person()
        export = await self._reader.of_user(user_id)
        if export is None or _state_at(export, now) is not ExportState.READY:
            raise ExportNotFound
        async with AsyncExitStack() as stack:
            try:
                opened = await stack.enter_async_context(self._storage.read(key_of(export.id)))
            except StoredFileNotFound:
                raise ExportNotFound from None
            async with self._uow.begin() as tx:
                await self._activity.write(
                    tx,
                    actor,
                    Action.USER_EXPORT_DOWNLOAD,
                    resource=Resource(type="user", id=user_id, key=str(export.id)),
                )
            yield opened

    async def build(self, job: BuildExport, ctx: JobContext) -> None:
        """Collect the data, keep the file, tell its owner. Done twice it leaves one file."""
        async with self._uow.begin() as tx:
            export = await tx.exports.lock(job.export_id)
        key = key_of(job.export_id)
        if export is None:  # asked for once more, or the account was erased; an attempt before may have left its file
            await self._storage.delete(key)
            return
        if export.state is ExportState.READY:
            return
        person = await self._data.person(export.user_id)
        if person is None:
            await self._fail(export)
            raise CancelJob  # the account was deleted
        try:
            file = await self._keep(key, person)
        except FileTooLarge:
            await self._fail(export)
            message = f"it is longer than {self._rules.export_max_bytes} bytes (accounts.export_max_bytes)"
            raise DiscardJob(message) from None
        except Exception:
            if ctx.attempt >= ctx.max_attempts:
                await self._fail(export)
            raise
        if not await self._finish(export, person, file, ctx):
            await self._storage.delete(key)

    async def expire(self, *, limit: int = 100) -> int:
        """Remove the files of up to `limit` exports whose time is over; how many there were. `Accounts.purge` calls it.

        Raises:
            StorageUnavailable: some are still there; they are tried again next time.
        """
        now = self._clock.now()
        async with self._uow.begin() as tx:
            due = await tx.exports.due(by=now, limit=limit)
        for export in due:
            await self._storage.delete(key_of(export.id))
            async with self._uow.begin() as tx:
                if await tx.exports.lock(export.id) == export:
                    await tx.exports.put(replace(export, state=_state_at(export, now), key=None, size=None))
        return len(due)

    # Parts

    async def _keep(self, key: str, person: Person) -> StoredFile:
        sources = Sources(data=self._data, activity=self._activity, storage=self._storage)
        async with aclosing(bundle(person, sources, self._clock.now())) as content:
            return await self._storage.put(key, content, media_type=MEDIA_TYPE, max_bytes=self._rules.export_max_bytes)

    async def _finish(self, export: Export, person: Person, file: StoredFile, ctx: JobContext) -> bool:
        """Say that it is ready; False where it is wanted no more, because of a later one or a purge."""
        now = self._clock.now()
        async with self._uow.begin() as tx:
            is_wanted = await tx.exports.lock(export.id) is not None
            if is_wanted:
                await tx.exports.put(
                    replace(
                        export,
                        state=ExportState.READY,
                        finished_at=now,
                        expires_at=now + self._rules.export_lifetime,
                        key=file.key,
                        size=file.size,
                    )
                )
                # The user name: in a name for display there is room for an advertisement, and the address is unproven.
                values = {
                    "name": person.user.username,
                    "days": str(self._rules.export_lifetime.days),
                }
                with suppress(MailInvalid):  # an address that cannot be written to: the state tells it as well
                    await self._notices.send(tx, person.user.email, Notice.EXPORT_READY, values)
                await ctx.complete(tx)
        return is_wanted

    async def _fail(self, export: Export) -> None:
        """Say that nothing comes of it. A file that cannot be removed now is due for removal at once."""
        now, key = self._clock.now(), export.key
        with suppress(StorageUnavailable):
            await self._storage.delete(key_of(export.id))
            key = None
        async with self._uow.begin() as tx:
            if await tx.exports.lock(export.id) is not None:
                await tx.exports.put(
                    replace(export, state=ExportState.FAILED, finished_at=now, expires_at=now, key=key)
                )


def key_of(export_id: ExportId) -> str:
    """Where the file is kept. Every attempt at the same export writes the same one, so none is ever lost sight of."""
    return f"exports/{export_id.hex}.zip"


def _will_do(export: Export, now: datetime) -> bool:
    state = _state_at(export, now)
    if state is ExportState.PENDING:
        return True
    return state is ExportState.READY and export.finished_at is not None and now < export.finished_at + FRESH


def _state_at(export: Export, now: datetime) -> ExportState:
    """The state as its owner should see it: time ends some of them without anybody noting it down."""
    if export.state is ExportState.PENDING and now >= export.requested_at + FRESH:
        return ExportState.FAILED
    if export.state is ExportState.READY and (export.expires_at is None or now >= export.expires_at):
        return ExportState.EXPIRED
    return export.state
