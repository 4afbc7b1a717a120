"""Files below one folder, reached step by step so that no link leads out of it (ASVS 5.3.2). All of it blocks."""

import errno
import os
import secrets
import stat
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from revenge_core.storage.entities import StoredFile
from revenge_core.storage.policy import media_type_of

PARTS: Final = ".partial"
"""The folder of what is being written. No key begins with a dot."""
CLOSED: Final = "nobody waits for this file any more"
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Not blocking: to open a pipe would wait for whoever writes into it."""
_WRITE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Handle:
    """A file that one thread opens and uses and another one may close at any time.

    Whoever waited for a thread may be cancelled; the thread goes on, and must not touch a descriptor that is somebody
    else's by then.
    """

    def __init__(self) -> None:
        self._descriptor: int | None = None
        self._is_closed = False
        self._lock = threading.Lock()

    def open(self, name: str, flags: int, folder: int) -> None:
        """Open `name` in `folder`.

        Raises:
            OSError: as the system has it, or nobody waits for the file any more.
        """
        with self._lock:
            if self._is_closed:
                raise OSError(CLOSED)
            self._descriptor = os.open(name, flags, 0o600, dir_fd=folder)

    def read(self, length: int) -> bytes:
        """The next bytes; fewer at the end."""
        with self.using() as descriptor:
            return os.read(descriptor, length)

    def write(self, content: bytes) -> None:
        """Add all of `content`."""
        with self.using() as descriptor:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(descriptor, rest) :]

    def close(self) -> None:
        """For good; it may be closed already, or never have been opened."""
        with self._lock:
            self._is_closed = True
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    @contextmanager
    def using(self) -> Generator[int]:
        """The descriptor, for the moment.

        Raises:
            OSError: it was closed meanwhile, by somebody who does not wait for this any more.
        """
        with self._lock:
            if self._descriptor is None:
                raise OSError(CLOSED)
            yield self._descriptor


class Draft:
    """A file that is being written, and that nobody sees before it is finished."""

    def __init__(self, top: Path) -> None:
        self._top = top
        self._name = secrets.token_hex(16)
        self._handle = Handle()

    def begin(self) -> None:
        """Make the file."""
        with walked(self._top, [PARTS], make=True) as parts:
            self._handle.open(self._name, _WRITE, parts)

    def write(self, content: bytes) -> None:
        """Add all of `content`."""
        self._handle.write(content)

    def finish(self, key: str) -> StoredFile:
        """Make it durable and put it where `key` is, in place of what is there."""
        *folders, name = key.split("/")
        with self._handle.using() as descriptor:
            os.fsync(descriptor)
            with walked(self._top, [PARTS]) as parts, walked(self._top, folders, make=True) as place:
                os.rename(self._name, name, src_dir_fd=parts, dst_dir_fd=place)
                os.fsync(place)
            return _described(key, os.fstat(descriptor))

    def discard(self) -> None:
        """Nothing is left of it, unless it was finished."""
        self._handle.close()
        with suppress(OSError), walked(self._top, [PARTS]) as parts:
            os.unlink(self._name, dir_fd=parts)


def opened(top: Path, key: str, handle: Handle) -> StoredFile:
    """Open the file under `key` for reading; what is known of it.

    Raises:
        OSError: as the system has it; FileNotFoundError also for links and whatever else is no plain file.
    """
    *folders, name = key.split("/")
    with walked(top, folders) as place:
        if not stat.S_ISREG(os.stat(name, dir_fd=place, follow_symlinks=False).st_mode):
            raise FileNotFoundError(errno.ENOENT, "it is no plain file")
        handle.open(name, _READ, place)
    with handle.using() as descriptor:
        return _described(key, os.fstat(descriptor))


def removed(top: Path, key: str) -> None:
    """Remove the file for good.

    Raises:
        OSError: as the system has it.
    """
    *folders, name = key.split("/")
    with walked(top, folders) as place:
        os.unlink(name, dir_fd=place)
        os.fsync(place)


def names(top: Path, inside: str) -> list[str]:
    """The keys in one folder; those of folders end in a slash, as `inside` does unless it is the top."""
    with walked(top, inside.split("/")[:-1]) as place, os.scandir(place) as found:
        return [
            f"{inside}{one.name}/" if one.is_dir(follow_symlinks=False) else inside + one.name
            for one in found
            if one.is_dir(follow_symlinks=False) or one.is_file(follow_symlinks=False)
        ]


def remove_abandoned(top: Path, *, after: timedelta) -> int:
    """Remove drafts to which nobody wrote for so long: their processes died. How many there were."""
    count, oldest = 0, time.time() - after.total_seconds()
    with suppress(FileNotFoundError), walked(top, [PARTS]) as parts, os.scandir(parts) as found:
        for one in found:
            with suppress(FileNotFoundError):  # another process tidies, too
                if one.stat(follow_symlinks=False).st_mtime < oldest:
                    os.unlink(one.name, dir_fd=parts)
                    count += 1
    return count


@contextmanager
def walked(top: Path, folders: Sequence[str], *, make: bool = False) -> Generator[int]:
    """The folder at the end of the way, which only this server's user can look into.

    `top` may be a link, as the host likes; nothing below it may. What is made is durable before something is put there.
    """
    if make:
        with suppress(FileExistsError):  # it is no folder, then; opening it says so
            top.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        place = os.open(top, _FOLDER & ~os.O_NOFOLLOW)
    except NotADirectoryError as problem:  # not the same as a file that is not there
        raise OSError(errno.EIO, f"{top} is no folder") from problem
    try:
        for folder in folders:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(folder, 0o700, dir_fd=place)
                    os.fsync(place)
            inner = os.open(folder, _FOLDER, dir_fd=place)
            os.close(place)
            place = inner
        yield place
    finally:
        os.close(place)


def _described(key: str, found: os.stat_result) -> StoredFile:
    """Another content is another file, so that its number differs where size and time happen to be the same."""
    return StoredFile(
        key=key,
        size=found.st_size,
        media_type=media_type_of(key),
        etag=f"{found.st_mtime_ns:x}-{found.st_size:x}-{found.st_ino:x}",
        modified_at=datetime.fromtimestamp(found.st_mtime_ns / 1e9, UTC),
    )
