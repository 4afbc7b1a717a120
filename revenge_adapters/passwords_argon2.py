"""Argon2id in a bounded pool of niced threads, so that sign-ins never hold up anything else (decisions I2)."""

import base64
import os
from collections.abc import Callable
from typing import Final, TypeVar

import argon2
from typing_extensions import override

from revenge_adapters.lanes import Lanes, LanesFull
from revenge_core.auth.errors import HasherBusy
from revenge_core.auth.ports import PasswordHasher
from revenge_core.secrets import Secret

T = TypeVar("T")

RETRY_AFTER_SECONDS: Final = 1.0


class Argon2Hasher(PasswordHasher):
    """Argon2id (RFC 9106). `memory_kib`, `time_cost` and `parallelism` go into each hash, so they may change later.

    At most `threads` hashes run and `queue` wait; one more is refused with HasherBusy at once. Those that are known
    come first, and a quarter of the queue is theirs alone.
    """

    def __init__(self, *, memory_kib: int, time_cost: int, parallelism: int, threads: int, queue: int) -> None:
        self._argon2 = argon2.PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=parallelism)
        self._lanes = Lanes(threads=threads, queue=queue, name="argon2")
        self._decoy = Secret(
            f"$argon2id$v=19$m={memory_kib},t={time_cost},p={parallelism}${_random_base64(16)}${_random_base64(32)}"
        )

    @property
    @override
    def decoy(self) -> Secret:
        return self._decoy

    @override
    async def hash(self, password: Secret, *, known: bool = False) -> Secret:
        return Secret(await self._run(lambda: self._argon2.hash(_bytes(password)), known=known))

    @override
    async def verify(self, password_hash: Secret, password: Secret, *, known: bool = False) -> bool:
        return await self._run(lambda: self._verify(password_hash, password), known=known)

    @override
    def needs_rehash(self, password_hash: Secret) -> bool:
        return self._argon2.check_needs_rehash(password_hash.reveal())

    def close(self) -> None:
        """Let what runs finish, drop what waits."""
        self._lanes.close()

    def _verify(self, password_hash: Secret, password: Secret) -> bool:
        try:
            return self._argon2.verify(password_hash.reveal(), _bytes(password))
        except (argon2.exceptions.VerificationError, ValueError):  # no hash of ours, or not even ASCII
            return False

    async def _run(self, work: Callable[[], T], *, known: bool) -> T:
        try:
            return await self._lanes.run(work, known=known)
        except LanesFull:
            raise HasherBusy(retry_after=RETRY_AFTER_SECONDS) from None


def _bytes(password: Secret) -> bytes:
    return password.reveal().encode("utf-8", "surrogatepass")


def _random_base64(length: int) -> str:
    return base64.b64encode(os.urandom(length)).decode().rstrip("=")
