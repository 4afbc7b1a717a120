"""Use cases of pictures of accounts (decisions I10, ASVS 5.2)."""

import logging
import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from msgspec.structs import replace

from revenge_core.activity.entities import Action, FieldChange, Resource
from revenge_core.activity.service import Activity
from revenge_core.actor import Actor
from revenge_core.background import JobContext
from revenge_core.clock import Clock
from revenge_core.errors import FieldProblem, Unauthenticated
from revenge_core.feed import Change
from revenge_core.ids import AvatarId, Ids
from revenge_core.permissions import Permission
from revenge_core.storage.entities import StoredFile
from revenge_core.storage.errors import StorageUnavailable, StoredFileNotFound
from revenge_core.storage.ports import FileStorage
from revenge_core.uow import UnitOfWork
from revenge_core.users.entities import Avatar, AvatarRules, User
from revenge_core.users.errors import AvatarNotFound, PictureInvalid
from revenge_core.users.jobs import SweepAvatars
from revenge_core.users.policy import AVATARS, FILES
from revenge_core.users.ports import Pictures, UsersTx

ENDINGS: Final = {"image/webp": "webp"}
"""Of the types in which pictures are drawn anew, not of those that may be uploaded."""
GRACE: Final = timedelta(days=1)
"""So old a file must be before it counts as left over: uploads keep theirs before the database knows of it."""
BATCH: Final = 500

_log = logging.getLogger("revenge.avatars")


class Avatars:
    """Pictures."""

    def __init__(  # one argument per port and service that it uses
        self,
        uow: UnitOfWork[UsersTx],
        storage: FileStorage,
        pictures: Pictures,
        activity: Activity,
        clock: Clock,
        ids: Ids,
        rules: AvatarRules,
    ) -> None:
        self._uow = uow
        self._storage = storage
        self._pictures = pictures
        self._activity = activity
        self._clock = clock
        self._ids = ids
        self._rules = rules

    @property
    def max_bytes(self) -> int:
        """The longest upload, in bytes: whoever reads one stops there."""
        return self._rules.max_bytes

    async def upload(self, actor: Actor, upload: bytes) -> Avatar:
        """Draw `upload` anew and make it the actor's picture; the file before it is removed.

        Raises:
            Unauthenticated: nobody is signed in, or the account is gone.
            Forbidden: the actor lacks `profile:update`, or comes with an API key that was not made for changes.
            PictureInvalid: it is too long, no picture, of another kind than allowed, too small, too large or harmful.
            PicturesBusy: too many are being drawn.
            StorageUnavailable: it could not be kept; the picture before stays.
        """
        actor.require(Permission.PROFILE_UPDATE)
        user_id = actor.require_user(writes=True)
        if len(upload) > self._rules.max_bytes:
            problem = FieldProblem(pointer="/file", detail=f"must be at most {self._rules.max_bytes} bytes long")
            raise PictureInvalid(problems=[problem])
        picture = await self._pictures.redraw(upload, self._rules)
        key = f"{AVATARS}{secrets.token_hex(16)}.{ENDINGS[picture.media_type]}"
        size = len(picture.content)
        await self._storage.put(key, _whole(picture.content), media_type=picture.media_type, max_bytes=size)
        # From here on the file is known to nobody until the commit; whatever fails, `sweep` finds it.
        async with self._uow.begin() as tx:
            user = await tx.users.lock(user_id)
            if user is None:
                raise Unauthenticated
            now = self._clock.now()
            avatar = Avatar(
                id=AvatarId(self._ids.new()),
                user_id=user_id,
                key=key,
                size=size,
                media_type=picture.media_type,
                width=picture.width,
                height=picture.height,
                version=await tx.avatars.latest_version(user_id) + 1,
                uploaded_at=now,
            )
            before = await tx.avatars.put(avatar)
            await self._show(tx, actor, Action.AVATAR_UPLOAD, user, FILES + key)
        await self._drop(before)
        return avatar

    async def delete(self, actor: Actor) -> None:
        """Leave the actor without a picture.

        Raises:
            Unauthenticated, Forbidden: as `upload`.
            AvatarNotFound: there is none.
        """
        actor.require(Permission.PROFILE_UPDATE)
        user_id = actor.require_user(writes=True)
        async with self._uow.begin() as tx:
            user = await tx.users.lock(user_id)
            if user is None:
                raise Unauthenticated
            before = await tx.avatars.remove(user_id)
            if before is None:
                raise AvatarNotFound
            await self._show(tx, actor, Action.AVATAR_DELETE, user, None)
        await self._drop(before)

    @asynccontextmanager
    async def read(self, key: str) -> AsyncGenerator[tuple[StoredFile, AsyncIterator[bytes]]]:
        """The file of a picture, for everybody who knows its key, which nobody can guess. Files of others stay hidden.

        Raises (on entering):
            StoredFileNotFound: there is none.
            StorageUnavailable: it cannot be read.
        """
        if not key.startswith(AVATARS):
            raise StoredFileNotFound
        async with self._storage.read(key) as found:
            yield found

    async def sweep(self, _job: SweepAvatars, _ctx: JobContext) -> None:
        """Remove files that are nobody's picture: what a process left behind that died before or after its commit."""
        oldest = self._clock.now() - GRACE
        keys = [key async for key in self._storage.keys(AVATARS)]
        waiting = iter(keys)
        while batch := list(islice(waiting, BATCH)):
            async with self._uow.begin() as tx:
                used = await tx.avatars.in_use(batch)
            for key in batch:
                if key not in used and await self._is_older(key, oldest):
                    await self._storage.delete(key)

    async def _is_older(self, key: str, than: datetime) -> bool:
        try:
            return (await self._storage.stat(key)).modified_at < than
        except StoredFileNotFound:
            return False

    async def _show(self, tx: UsersTx, actor: Actor, action: Action, user: User, url: str | None) -> None:
        """Make `url` the account's picture, tell those who remember the account, and write it down."""
        await tx.users.update(replace(user, avatar_url=url, version=user.version + 1, updated_at=self._clock.now()))
        tx.feed.publish(Change.of_user(user.id))
        changes = {"avatar_url": FieldChange(before=user.avatar_url, after=url)}
        await self._activity.write(tx, actor, action, resource=Resource(type="user", id=user.id), changes=changes)

    async def _drop(self, before: Avatar | None) -> None:
        """Remove the file of a picture that is shown no more. If that fails, `sweep` does it later."""
        if before is None:
            return
        try:
            await self._storage.delete(before.key)
        except StorageUnavailable:
            _log.warning("the file of a picture that was replaced could not be removed; it is swept up later")


async def _whole(content: bytes) -> AsyncGenerator[bytes]:
    yield content
