"""A directory that does not outlive its process, not even when that is killed: the next one sweeps it away.

The owner holds a lock (`flock`) on a file inside for as long as it lives; the kernel lets go of it with the last
process that has it. Who gets the lock of a directory may remove it, and nobody else does: no process ids are compared.
"""

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "revenge-test-"
MEMORY = Path("/dev/shm")  # noqa: S108 -- names below it are drawn by mkdtemp
ROOM = 512 * 1024 * 1024
"""Bytes that must be free in memory before it is used: the template, its clones and what tests write."""


def scratch_root() -> Path:
    """Where scratch directories lie: in memory where there is room, else in the directory for temporary files."""
    with suppress(OSError):
        if os.access(MEMORY, os.W_OK | os.X_OK) and shutil.disk_usage(MEMORY).free >= ROOM:
            return MEMORY
    return Path(tempfile.gettempdir())


@contextmanager
def scratch_directory(root: Path, *, put_down: Callable[[Path], None]) -> Generator[Path]:
    """Make a directory in `root` that only this user enters, remove it at the end, and sweep abandoned ones first.

    `put_down` is called with a directory before it is swept, and stops what may still run in it.
    """
    sweep(root, put_down=put_down)
    directory, lock = _make(root)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        os.close(lock)


def sweep(root: Path, *, put_down: Callable[[Path], None]) -> list[Path]:
    """Remove the scratch directories of this user whose owner is gone, and return them."""
    swept: list[Path] = []
    for directory in root.glob(f"{PREFIX}*"):
        with suppress(OSError):
            if not _ours(directory) or (lock := _lock(directory)) is None:
                continue
            try:
                put_down(directory)
                shutil.rmtree(directory)
                swept.append(directory)
            finally:
                os.close(lock)
    return swept


def _make(root: Path) -> tuple[Path, int]:
    while True:
        directory = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))
        with suppress(FileNotFoundError):
            # A sweeper may come between the two lines and take the directory: then there is another.
            if (lock := _lock(directory)) is not None:
                if directory.exists():
                    return directory, lock
                os.close(lock)


def _ours(directory: Path) -> bool:
    found = directory.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()


def _lock(directory: Path) -> int | None:
    """Take the directory for this process; None where somebody has it. The descriptor is not inherited over exec."""
    descriptor = os.open(directory / "owner.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
