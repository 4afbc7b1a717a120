"""What keeping files needs from outside."""

from collections.abc import AsyncIterable, AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from revenge_core.storage.entities import StoredFile


class FileStorage(Protocol):
    """A place for files: a folder, or a bucket. Keys are as `policy.checked_key` has them; others are refused."""

    async def put(self, key: str, content: AsyncIterable[bytes], *, media_type: str, max_bytes: int) -> StoredFile:
        """Keep a file, all of it or nothing: nobody ever reads half of one, also after a crash.

        A key that is there already gets the new content. What `content` raises goes on to the caller.

        Raises:
            ValueError: `media_type` is not what the ending of `key` stands for (`policy.MEDIA_TYPES`).
            FileKeyInvalid: `key` is none.
            FileTooLarge: there is more than `max_bytes` of it; nothing is kept, and no more is read.
            StorageUnavailable: nothing is kept.
        """
        ...

    async def stat(self, key: str) -> StoredFile:
        """What is known of the file.

        Raises:
            StoredFileNotFound: there is none, or `key` is no key.
            StorageUnavailable: nobody can tell.
        """
        ...

    def read(self, key: str) -> AbstractAsyncContextManager[tuple[StoredFile, AsyncIterator[bytes]]]:
        """The file and its content, piece by piece, never all in memory; both of the same version.

        Raises (on entering, StorageUnavailable also while reading):
            StoredFileNotFound: there is none, or `key` is no key.
            StorageUnavailable: it cannot be read.
        """
        ...

    async def delete(self, key: str) -> bool:
        """Remove the file; False if there was none.

        Raises:
            StorageUnavailable: it may still be there.
        """
        ...

    def keys(self, prefix: str) -> AsyncIterator[str]:
        """Every key that starts with `prefix`, in an order of the place's own: servers that speak S3 differ in it.

        Raises (while reading):
            StorageUnavailable: nobody can tell.
        """
        ...
