"""A place for files that forgets them with the process."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from typing_extensions import override

from revenge_adapters.memory.clock import ManualClock
from revenge_core.clock import Clock
from revenge_core.storage.entities import StoredFile
from revenge_core.storage.errors import FileTooLarge, StorageUnavailable, StoredFileNotFound
from revenge_core.storage.policy import check_media_type, checked_key
from revenge_core.storage.ports import FileStorage

PIECE: Final = 16 * 1024


class MemoryFileStorage(FileStorage):
    """`files` holds what was kept; set `is_away` to see what callers do when the place cannot be reached."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.files: dict[str, tuple[StoredFile, bytes]] = {}
        self.is_away = False
        self._clock = clock or ManualClock()
        self._versions = itertools.count(1)

    @override
    async def put(self, key: str, content: AsyncIterable[bytes], *, media_type: str, max_bytes: int) -> StoredFile:
        check_media_type(checked_key(key), media_type)
        self._look()
        kept = bytearray()
        async for piece in content:
            kept += piece
            if len(kept) > max_bytes:
                raise FileTooLarge
        await asyncio.sleep(0)  # a disk always lets others run
        self._look()
        file = StoredFile(
            key=key,
            size=len(kept),
            media_type=media_type,
            etag=f"{next(self._versions)}-{len(kept)}",
            modified_at=self._clock.now(),
        )
        self.files[key] = file, bytes(kept)
        return file

    @override
    async def stat(self, key: str) -> StoredFile:
        return self._found(key)[0]

    @override
    @asynccontextmanager
    async def read(self, key: str) -> AsyncGenerator[tuple[StoredFile, AsyncIterator[bytes]]]:
        file, content = self._found(key)
        yield file, self._pieces(content)

    @override
    async def delete(self, key: str) -> bool:
        self._look()
        return self.files.pop(key, None) is not None

    @override
    async def keys(self, prefix: str) -> AsyncIterator[str]:
        self._look()
        for key in sorted(self.files):
            if key.startswith(prefix):
                yield key

    async def _pieces(self, content: bytes) -> AsyncGenerator[bytes]:
        for start in range(0, len(content), PIECE):
            self._look()
            yield content[start : start + PIECE]

    def _found(self, key: str) -> tuple[StoredFile, bytes]:
        self._look()
        found = self.files.get(key)
        if found is None:
            raise StoredFileNotFound
        return found

    def _look(self) -> None:
        if self.is_away:
            raise StorageUnavailable
