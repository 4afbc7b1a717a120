"""Files and directories of the embedded server: who owns them, who may read them.

As root we work in directories that a lesser user owns, so nothing here follows
a link that such a user may have planted.
"""

import contextlib
import dataclasses
import fcntl
import hashlib
import os
import secrets
import shutil
import stat
import sys
import time
from collections.abc import Generator
from pathlib import Path

from revenge_adapters.postgres.embedded.account import RunAs
from revenge_adapters.postgres.embedded.binaries import Installation
from revenge_adapters.postgres.embedded.errors import EmbeddedPostgresError

PORT = 5432
"""Part of the socket's name; there is no TCP."""

SOCKET_PATH_LIMIT = 107 if sys.platform == "linux" else 103
"""Bytes that the kernel takes as the path of a unix socket."""


def make_home(home: Path, run_as: RunAs) -> None:
    """Create the data directory if it is missing; an existing one keeps its modes.

    As root the server's group may pass through it; parents we create are open to everybody's passage.
    """
    if home.is_dir():
        return
    missing = [parent for parent in home.parents if not parent.exists()]
    for parent in reversed(missing):
        parent.mkdir(exist_ok=True)
        parent.chmod(0o755)
    with contextlib.suppress(FileExistsError):
        home.mkdir(mode=0o700)
        if run_as.switch:
            _hand_over(home, 0, run_as.gid, 0o710)


def make_private_directory(path: Path, run_as: RunAs) -> None:
    """Create a directory that only the server's user may enter, or check the one that is there.

    Raises EmbeddedPostgresError when somebody else made it or may enter it.
    """
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
        if run_as.switch:
            _hand_over(path, run_as.uid, run_as.gid, 0o700)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != run_as.uid or stat.S_IMODE(found.st_mode) & 0o077:
        raise EmbeddedPostgresError(
            f"{path} is not a directory that only user {run_as.uid} may enter, so PostgreSQL would not be safe there.",
            next_step="See who made it, remove it, and start again.",
        )


def _hand_over(made: Path, uid: int, gid: int, mode: int) -> None:
    """Give away a directory that root has just made: that one, and not what its owner-to-be puts in its place.

    Raises EmbeddedPostgresError when it is no longer there.
    """
    try:
        descriptor = os.open(made, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as problem:
        raise _replaced(made) from problem
    try:
        if os.fstat(descriptor).st_uid != os.geteuid():
            raise _replaced(made)
        os.fchown(descriptor, uid, gid)
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)


def _replaced(path: Path) -> EmbeddedPostgresError:
    return EmbeddedPostgresError(
        f"{path} was replaced by somebody while it was made.",
        next_step="See who can write to the directory above it, remove it, and start again.",
    )


def socket_directory(home: Path) -> Path:
    """Return where the socket lives: inside `home`, or elsewhere when that path is too long.

    Every process that uses `home` gets the same answer.
    """
    inside = home / "run"
    if len(os.fsencode(inside / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_LIMIT:
        return inside
    base = Path("/run") if os.geteuid() == 0 and Path("/run").is_dir() else Path("/tmp")  # noqa: S108 - checked when made
    found = home.stat()
    digest = hashlib.sha256(f"{found.st_dev}:{found.st_ino}:{home}".encode(errors="surrogateescape")).hexdigest()
    return base / f"revenge-{digest[:24]}"


def write_private(path: Path, text: str, run_as: RunAs) -> None:
    """Replace a file of the server's user in one step, mode 0600, on disk when this returns."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        if run_as.switch:
            os.fchown(file.fileno(), run_as.uid, run_as.gid)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def open_ours(path: Path, flags: int) -> int:
    """Open or make a file of mode 0600 in `home`; its owner is the directory's, also when root makes it."""
    descriptor = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
    return descriptor


def sync_directory(path: Path) -> None:
    """Make renames inside a directory survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def tail(path: Path, lines: int = 15) -> str:
    """Return the last lines of a log, or nothing when it cannot be read."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 8192))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def copy_installation(installation: Installation, home: Path) -> Installation:
    """Copy an installation to `home/pgsql/<version>`, where the server's user can read it (rulings R30).

    A finished copy is used again; copies of other versions are removed. Call it
    only while no server runs and with the starter lock held.
    """
    shelf = home / "pgsql"
    target = shelf / installation.version
    if not target.is_dir():
        if shelf.is_dir():
            shutil.rmtree(shelf)
        fresh = shelf / f".{installation.version}.{secrets.token_hex(4)}"
        fresh.mkdir(parents=True)
        for tree in installation.trees:
            unused = shutil.ignore_patterns("include", "__pycache__")
            shutil.copytree(tree, fresh / tree.name, symlinks=True, ignore=unused)
        for path in (shelf, fresh, *fresh.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o111 else 0o644)
        os.sync()  # a copy with holes after a power cut would look finished
        fresh.rename(target)
    directory = target / installation.bin.relative_to(installation.trees[0].parent)
    return dataclasses.replace(installation, bin=directory, source=f"copy of {installation.source}")


@contextlib.contextmanager
def locked(path: Path, *, timeout: float) -> Generator[None]:
    """Hold an exclusive lock on a file, against threads and processes alike.

    Raises EmbeddedPostgresError when somebody holds it longer than `timeout` seconds.
    """
    descriptor = open_lock(path)
    try:
        deadline = time.monotonic() + timeout
        while not try_lock(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    f"Another process has been starting or stopping PostgreSQL for {timeout:.0f} s (it holds {path}).",
                    next_step="Find it (`fuser` names it) and see what it waits for, then try again.",
                )
            time.sleep(0.01)
        yield
    finally:
        os.close(descriptor)


def open_lock(path: Path) -> int:
    """Open a lock file, making it if needed; the lock ends when the descriptor is closed."""
    return open_ours(path, os.O_RDWR)


def try_lock(descriptor: int, kind: int) -> bool:
    """Take or change a lock if that is possible right now."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
