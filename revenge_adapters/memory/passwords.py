"""Passwords for tests: fast, and no protection at all."""

import asyncio
import hashlib
import hmac
import secrets
from typing import Final

from typing_extensions import override

from revenge_core.auth.errors import HasherBusy
from revenge_core.auth.ports import PasswordHasher
from revenge_core.secrets import Secret

_MARK: Final = "quick-and-unsafe"


class QuickHasher(PasswordHasher):
    """One round of SHA-256, which protects nothing: for tests only.

    `rounds` is written into the hash and does nothing; another number makes `needs_rehash` true. While `busy` is set,
    every call is refused as if the queue were full; while `crowded` is, only those that are not known are.
    """

    def __init__(self, *, rounds: int = 1) -> None:
        self.busy = False
        self.crowded = False
        self._rounds = rounds
        self._decoy = self._hashed(Secret(secrets.token_hex()), secrets.token_hex(8))

    @property
    @override
    def decoy(self) -> Secret:
        return self._decoy

    @override
    async def hash(self, password: Secret, *, known: bool = False) -> Secret:
        await self._queue(known)
        return self._hashed(password, secrets.token_hex(8))

    @override
    async def verify(self, password_hash: Secret, password: Secret, *, known: bool = False) -> bool:
        await self._queue(known)
        _, _, salt, digest = _parts(password_hash)
        return hmac.compare_digest(digest.encode(), _digest(password, salt).encode())

    @override
    def needs_rehash(self, password_hash: Secret) -> bool:
        mark, rounds, _, _ = _parts(password_hash)
        return (mark, rounds) != (_MARK, f"rounds={self._rounds}")

    async def _queue(self, known: bool) -> None:  # noqa: FBT001 (as it was asked)
        await asyncio.sleep(0)  # hashing always lets others run
        if self.busy or (self.crowded and not known):
            raise HasherBusy(retry_after=1)

    def _hashed(self, password: Secret, salt: str) -> Secret:
        return Secret(f"${_MARK}$rounds={self._rounds}${salt}${_digest(password, salt)}")


def _parts(password_hash: Secret) -> tuple[str, str, str, str]:
    """Mark, rounds, salt and digest; empty ones, which match nothing, for anything else."""
    parts = password_hash.reveal().split("$")
    return (parts[1], parts[2], parts[3], parts[4]) if len(parts) == 5 else ("", "", "", "")  # noqa: PLR2004 - as written


def _digest(password: Secret, salt: str) -> str:
    return hashlib.sha256(salt.encode() + password.reveal().encode("utf-8", "surrogatepass")).hexdigest()
