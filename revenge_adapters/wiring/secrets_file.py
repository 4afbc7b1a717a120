"""The master secret: given by a setting, or made on the first start and kept in the data directory (decisions I3)."""

import contextlib
import os
import secrets
import stat
from collections.abc import Generator
from pathlib import Path
from typing import Final

from revenge_adapters.master_secret import derived_key
from revenge_adapters.wiring.errors import SecretFileUnusable
from revenge_adapters.wiring.settings.records import MASTER_SECRET_MIN_BYTES, Settings
from revenge_core.secrets import Secret, new_token

DIRECTORY: Final = "secrets"
FILE: Final = "master.key"
LONGEST: Final = 4096


def master_key_file(data_dir: Path) -> Path:
    """Where the master secret is kept if no setting gives it."""
    return data_dir / DIRECTORY / FILE


def master_secret(settings: Settings) -> tuple[Secret, str]:
    """The master secret, and where it is from, in words; the first start makes it. The data directory exists.

    Raises:
        SecretFileUnusable: the file cannot be made or read, holds something else, or belongs to somebody else.
    """
    if settings.auth.jwt_secret is not None:
        return settings.auth.jwt_secret, "the setting auth.jwt_secret"
    path = master_key_file(settings.data_dir)
    try:
        with _private_directory(path.parent) as directory:
            if not _is_there(directory):
                _make(directory)
            secret = _read(directory, path)
    except OSError as problem:
        detail = f"{path} cannot be used: {problem.strerror}. Check who owns it and where it lies"
        raise SecretFileUnusable(detail) from problem
    return secret, f"the file {path}"


def csrf_key(settings: Settings) -> Secret:
    """What the HTTP edge makes CSRF tokens with (rulings R15): the same on all servers that share the master secret.

    Raises:
        SecretFileUnusable: as `master_secret`.
    """
    secret, _ = master_secret(settings)
    return Secret(derived_key(secret, b"revenge csrf v1", 32).hex())


def present_secret(settings: Settings) -> Secret | None:
    """The master secret as it lies in the data directory, None where none was made; changes nothing.

    Raises:
        SecretFileUnusable: it cannot be read, or holds something else.
    """
    path = master_key_file(settings.data_dir)
    try:
        return _checked(path.read_bytes()[:LONGEST], path) if path.exists() else None
    except OSError as problem:
        raise SecretFileUnusable(f"{path} cannot be read: {problem.strerror}") from problem


def _make(directory: int) -> None:
    """Make the secret so that it appears complete or not at all; of two processes the first one's stays."""
    fresh = f".{FILE}.{secrets.token_hex(4)}"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=directory)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(new_token().reveal() + "\n")
            _hand_to_owner_of(directory, file.fileno())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(fresh, FILE, src_dir_fd=directory, dst_dir_fd=directory, follow_symlinks=False)
    finally:
        os.unlink(fresh, dir_fd=directory)
    os.fsync(directory)


def _read(directory: int, path: Path) -> Secret:
    """The secret; a mode that lets others read it is corrected, as far as it is ours to correct."""
    with os.fdopen(os.open(FILE, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=directory), "rb") as file:
        found = os.fstat(file.fileno())
        if stat.S_IMODE(found.st_mode) & 0o077:
            os.fchmod(file.fileno(), 0o600)
        return _checked(file.read(LONGEST), path)


def _checked(content: bytes, path: Path) -> Secret:
    text = content.rstrip(b"\r\n")
    if len(text) < MASTER_SECRET_MIN_BYTES or not text.isascii():
        raise SecretFileUnusable(
            f"{path} does not hold a secret of at least {MASTER_SECRET_MIN_BYTES} bytes. Put it back from a backup; "
            "without it, everybody has to sign in again: see docs/operations.md"
        )
    return Secret(text.decode("ascii"))


@contextlib.contextmanager
def _private_directory(path: Path) -> Generator[int]:
    """Make or open the directory that only its owner may enter; everything in it is reached through the descriptor."""
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if stat.S_IMODE(os.fstat(directory).st_mode) != 0o700:  # noqa: PLR2004 - as it was made above
            os.fchmod(directory, 0o700)
        _hand_to_owner_of(parent, directory)
        yield directory
    finally:
        os.close(directory)
        os.close(parent)


def _hand_to_owner_of(directory: int, descriptor: int) -> None:
    """Give what root made to whose directory it is in: `sudo revenge …` must not lock an ordinary user out."""
    if os.geteuid() == 0:
        owner = os.fstat(directory)
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def _is_there(directory: int) -> bool:
    try:
        os.stat(FILE, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
