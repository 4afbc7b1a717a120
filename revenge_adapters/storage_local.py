"""Files in a folder of this machine, or of one that it has mounted.

A file is written beside the others under a name that is no key, made durable, and moved to its place: whoever looks
sees the one before or the new one, whole.
"""

import asyncio
import errno
import logging
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from typing_extensions import override

from revenge_adapters.confined import Draft, Handle, names, opened, remove_abandoned, removed
from revenge_core.storage.entities import StoredFile
from revenge_core.storage.errors import FileTooLarge, StorageUnavailable, StoredFileNotFound
from revenge_core.storage.policy import check_media_type, checked_key, is_key
from revenge_core.storage.ports import FileStorage

T = TypeVar("T")

ABANDONED: Final = timedelta(days=1)
PIECE: Final = 256 * 1024
THREADS: Final = 4
"""Of our own: a disk that hangs holds up files and nothing else."""
_NOT_THERE: Final = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}

_log = logging.getLogger("revenge.storage")


class LocalFileStorage(FileStorage):
    """A folder, which is made when the first file comes; only this server's user can look into it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="files")

    def close(self) -> None:
        """Let what runs finish, drop what waits."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    @override
    async def put(self, key: str, content: AsyncIterable[bytes], *, media_type: str, max_bytes: int) -> StoredFile:
        check_media_type(checked_key(key), media_type)
        draft = Draft(self._folder)
        size = 0
        try:
            await self._run(draft.begin)
            async for piece in content:
                size += len(piece)
                if size > max_bytes:
                    raise FileTooLarge
                await self._run(partial(draft.write, piece))
            return await self._run(partial(draft.finish, key))
        finally:
            await self._leave(draft.discard)

    @override
    async def stat(self, key: str) -> StoredFile:
        async with self.read(key) as (file, _):
            return file

    @override
    @asynccontextmanager
    async def read(self, key: str) -> AsyncGenerator[tuple[StoredFile, AsyncIterator[bytes]]]:
        handle = Handle()
        try:
            file = await self._of_file(key, partial(opened, self._folder, key, handle))
            yield file, self._pieces(handle, file.size)
        finally:
            await self._leave(handle.close)

    @override
    async def delete(self, key: str) -> bool:
        try:
            await self._of_file(key, partial(removed, self._folder, key))
        except StoredFileNotFound:
            return False
        return True

    @override
    async def keys(self, prefix: str) -> AsyncIterator[str]:
        waiting = [""]
        while waiting:
            here = waiting.pop()
            if here and not here.endswith("/"):
                yield here
                continue
            try:
                found = await self._look(partial(names, self._folder, here))
            except StoredFileNotFound:
                continue  # nothing was ever kept there, or the folder was removed meanwhile
            waiting += [one for one in found if _may_lead_to(prefix, one)]

    async def tidy(self) -> None:
        """Remove what processes that died were writing; each server does so now and then."""
        count = await self._run(partial(remove_abandoned, self._folder, after=ABANDONED))
        if count:
            _log.info("removed %d files in %s that were never finished", count, self._folder)

    async def _pieces(self, handle: Handle, size: int) -> AsyncGenerator[bytes]:
        left = size
        while left:
            piece = await self._run(partial(handle.read, min(PIECE, left)))
            if not piece:
                raise StorageUnavailable  # somebody cut it meanwhile; its length was promised already
            left -= len(piece)
            yield piece

    async def _of_file(self, key: str, work: Callable[[], T]) -> T:
        if not is_key(key):
            raise StoredFileNotFound
        return await self._look(work)

    async def _look(self, work: Callable[[], T]) -> T:
        """As `_run`, for what may not be there.

        Raises:
            StoredFileNotFound: it is not, or a link stands where it should be.
        """
        try:
            return await self._run(work)
        except StorageUnavailable as problem:
            if _is_absent(problem.__cause__):
                raise StoredFileNotFound from None
            raise

    async def _run(self, work: Callable[[], T]) -> T:
        """What `work` says, from a thread.

        Raises:
            StorageUnavailable: the disk refused.
        """
        try:
            return await asyncio.wrap_future(self._pool.submit(work))
        except (OSError, RuntimeError) as problem:  # RuntimeError: the pool is closed
            if not _is_absent(problem):
                _log.warning("files in %s: %s", self._folder, problem)
            raise StorageUnavailable from problem

    async def _leave(self, work: Callable[[], object]) -> None:
        """Clean up, also where whoever waited was cancelled: the thread does it all the same."""
        with suppress(StorageUnavailable):
            await self._run(work)


def _is_absent(problem: BaseException | None) -> bool:
    return isinstance(problem, OSError) and problem.errno in _NOT_THERE


def _may_lead_to(prefix: str, name: str) -> bool:
    """Whether `name` is a key with this prefix, or a folder of such keys."""
    if name.endswith("/"):
        return is_key(name[:-1]) and (name.startswith(prefix) or prefix.startswith(name))
    return is_key(name) and name.startswith(prefix)
