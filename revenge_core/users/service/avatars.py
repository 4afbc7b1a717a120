"""Use cases of pictures of accounts (decisions I10, ASVS 5.2)."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

from revenge_core.activity.service import Activity
from revenge_core.actor import Actor
from revenge_core.clock import Clock
from revenge_core.ids import Ids
from revenge_core.storage.entities import StoredFile
from revenge_core.storage.ports import FileStorage
from revenge_core.uow import UnitOfWork
from revenge_core.users.entities import Avatar, AvatarRules
from revenge_core.users.ports import Pictures, UsersTx

FOLDER = "avatars"


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
            PictureInvalid: it is too long, no picture, of another kind than allowed, too small, too large or harmful.
            PicturesBusy: too many are being drawn.
            StorageUnavailable: it could not be kept; the picture before stays.
        """
        raise NotImplementedError

    async def delete(self, actor: Actor) -> None:
        """Leave the actor without a picture.

        Raises:
            Unauthenticated: nobody is signed in, or the account is gone.
            AvatarNotFound: there is none.
        """
        raise NotImplementedError

    def read(self, key: str) -> AbstractAsyncContextManager[tuple[StoredFile, AsyncIterator[bytes]]]:
        """The file of a picture, for everybody who knows its key, which nobody can guess. Files of others stay hidden.

        Raises (on entering):
            StoredFileNotFound: there is none.
            StorageUnavailable: it cannot be read.
        """
        raise NotImplementedError
