"""How accounts end and come back, whoever it is that ends them."""

from contextlib import suppress
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from revenge_core.accounts.entities import AccountRules
from revenge_core.accounts.jobs import EraseFiles, tag_of
from revenge_core.accounts.ports import AccountsTx
from revenge_core.activity.entities import Action, FieldChange, Resource
from revenge_core.activity.jobs import EraseTraces
from revenge_core.activity.service import Activity
from revenge_core.actor import Actor
from revenge_core.apikeys.service import ApiKeys
from revenge_core.background import UNFINISHED
from revenge_core.clock import Clock
from revenge_core.feed import Change
from revenge_core.ids import UserId
from revenge_core.jobs.entities import JobFilter
from revenge_core.jobs.ports import JobReader
from revenge_core.mail.entities import Notice
from revenge_core.mail.errors import MailInvalid
from revenge_core.mail.service import Notices
from revenge_core.sessions.entities import EndReason
from revenge_core.sessions.service import Sessions
from revenge_core.uow import UnitOfWork
from revenge_core.users.entities import Purpose, User
from revenge_core.users.service import Users

BATCH: Final = 50
"""So many accounts are erased before progress is told."""
JOBS_AT_ONCE: Final = 1000


class Leaving:
    """The end of an account. The caller of what takes a `tx` holds the account's lock."""

    def __init__(  # one argument per port and service that it uses
        self,
        uow: UnitOfWork[AccountsTx],
        jobs: JobReader,
        sessions: Sessions,
        api_keys: ApiKeys,
        notices: Notices,
        activity: Activity,
        clock: Clock,
        rules: AccountRules,
    ) -> None:
        self._uow = uow
        self._jobs = jobs
        self._sessions = sessions
        self._api_keys = api_keys
        self._notices = notices
        self._activity = activity
        self._clock = clock
        self._rules = rules

    async def jobs_of(self, user_id: UserId) -> tuple[int, ...]:
        """Jobs that work for the account and are not finished. One that is added meanwhile finds nobody there."""
        wanted = JobFilter(tags=(tag_of(user_id),), states=tuple(sorted(UNFINISHED)))
        return tuple(job.id for job in await self._jobs.newest(wanted, limit=JOBS_AT_ONCE, before=None))

    async def shut_out(self, tx: AccountsTx, actor: Actor, user: User, reason: EndReason) -> User:
        """End all that lets somebody in, links in mail included; the account as it is to be stored.

        The epoch goes on, so that no session comes back to life with the account.
        """
        await self._sessions.end_all(tx, actor, user.id, reason, Action.SESSION_REVOKE_ALL, keep=None)
        await tx.one_time_tokens.void(user.id, *Purpose)
        tx.feed.publish(Change.of_user(user.id))
        return replace(user, epoch=user.epoch + 1, version=user.version + 1, updated_at=self._clock.now())

    async def delete(
        self, tx: AccountsTx, actor: Actor, user: User, *, jobs: tuple[int, ...], may_return: bool
    ) -> User:
        """Delete the account; its names are held until it is purged (rulings R20). The account as it was stored.

        `jobs` are those of `jobs_of`. Invitations that it made let nobody in any more, and its API keys stay ended,
        also if it comes back: as with sessions, whoever took one has nothing of that (decisions I11).
        """
        now = self._clock.now()
        gone = replace(
            await self.shut_out(tx, actor, user, EndReason.ACCOUNT_DELETED),
            deleted_at=now,
            purge_at=now + self._rules.grace,
            may_return=may_return,
            pending_email=None,
        )
        await tx.users.update(gone)
        await self._api_keys.end_all(tx, actor, user.id)
        await tx.invitations.revoke_all_of(user.id, now)
        for job_id in jobs:
            await tx.jobs.cancel(job_id)
        until = f"{now + self._rules.grace:%Y-%m-%d}"
        await self._activity.write(
            tx,
            actor,
            Action.USER_DELETE,
            resource=Resource(type="user", id=user.id, key=user.username),
            changes={"is_deleted": FieldChange(before=False, after=True), "purge_at": FieldChange(after=until)},
        )
        await self._tell(tx, user, Notice.ACCOUNT_DELETED, until=until)
        return gone

    async def keep_out(self, tx: AccountsTx, actor: Actor, user: User) -> None:
        """Take from somebody who deleted the account themselves the way back. It is erased when it would have been."""
        now = self._clock.now()
        await tx.users.update(replace(user, may_return=False, version=user.version + 1, updated_at=now))
        tx.feed.publish(Change.of_user(user.id))
        await self._activity.write(
            tx,
            actor,
            Action.USER_DELETE,
            resource=Resource(type="user", id=user.id, key=user.username),
            changes={"may_return": FieldChange(before=True, after=False)},
        )

    async def restore(self, tx: AccountsTx, actor: Actor, user: User) -> User:
        """Bring a deleted account back, without its sessions; the account as it was stored."""
        back = Users.restored(user, self._clock.now())
        await tx.users.update(back)
        tx.feed.publish(Change.of_user(user.id))
        await self._activity.write(
            tx,
            actor,
            Action.USER_RESTORE,
            resource=Resource(type="user", id=user.id, key=user.username),
            changes={"is_deleted": FieldChange(before=True, after=False)},
        )
        await self._tell(tx, user, Notice.ACCOUNT_RESTORED)
        return back

    async def erase_due(self, *, by: datetime) -> int:
        """Erase up to `BATCH` accounts whose time to come back was over at `by`; how many. Each one by itself."""
        async with self._uow.begin() as tx:
            due = await tx.users.due_for_purge(by=by, limit=BATCH)
        return sum([await self._erase(user_id, by) for user_id in due])

    async def _erase(self, user_id: UserId, by: datetime) -> bool:
        """Erase one account; its files are erased by a job that commits with it. False if it came back meanwhile."""
        async with self._uow.begin() as tx:
            user = await tx.users.lock_any(user_id)
            if user is None or user.purge_at is None or user.purge_at > by:
                return False
            avatar, export = await tx.avatars.remove(user_id), await tx.exports.of_user(user_id)
            keys = tuple(file.key for file in (avatar, export) if file is not None and file.key is not None)
            await tx.users.purge(user_id)
            if keys:
                await tx.jobs.enqueue(EraseFiles(keys=keys))
            await tx.jobs.enqueue(EraseTraces(user_id=user_id))
            tx.feed.publish(Change.of_user(user_id))
            # The id and no name: what is erased is not written down anew.
            await self._activity.write(
                tx, Actor.system(), Action.USER_PURGE, resource=Resource(type="user", id=user_id)
            )
        return True

    async def _tell(self, tx: AccountsTx, user: User, notice: Notice, **values: str) -> None:
        with suppress(MailInvalid):  # an address that cannot be written to keeps nobody
            await self._notices.send(tx, user.email, notice, {"name": user.username, **values})
