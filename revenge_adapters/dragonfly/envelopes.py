"""What those with one master secret tell each other over a server that anybody may read and write.

Who lacks the secret reads nothing, writes nothing that counts, and cannot pass one message off as another. What he can
do is delete, hold back, and repeat.
"""

import hmac
import logging
import os
import time
from collections.abc import Callable
from datetime import timedelta
from hashlib import blake2b
from typing import Final, TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from revenge_adapters.master_secret import derived_key
from revenge_core.entity import Entity
from revenge_core.secrets import Secret

CLOCKS_DIFFER_BY: Final = timedelta(seconds=30)
"""At most, for those that tell each other something that is good for some time only."""
SALT_BYTES: Final = 12
NONCE_BYTES: Final = 12
TIME_BYTES: Final = 8

M = TypeVar("M", bound=Entity)

_log = logging.getLogger("revenge.streams")


class Envelopes:
    """Salt, nonce, and under AES-256-GCM the time and the message; bound to the place where it stands.

    Each message has a key of its own, drawn by the salt. Random nonces alone would be good for 2³² messages under one
    key (NIST SP 800-38D, 8.3), which is weeks of jobs; and a counter would not survive a fork.
    """

    def __init__(self, master_secret: Secret, *, now: Callable[[], float] = time.time) -> None:
        self._key = derived_key(master_secret, b"revenge dragonfly v1", 32)
        self._prefix = f"revenge:{derived_key(master_secret, b'revenge dragonfly names v1', 8).hex()}"
        self._digest_key = derived_key(master_secret, b"revenge dragonfly digests v1", 32)
        self._now = now
        self._named: set[tuple[str, str]] = set()

    def name(self, *parts: str | int) -> str:
        """Of a key or channel: those with another master secret use others, whatever database they have chosen."""
        return ":".join([self._prefix, *map(str, parts)])

    def digest(self, text: str) -> str:
        """Part of a name, for what the server must not read in it."""
        return blake2b(text.encode("utf-8", "replace"), key=self._digest_key, digest_size=16).hexdigest()

    def seal(self, place: str, message: Entity) -> bytes:
        """The message, to be put there and nowhere else."""
        drawn = os.urandom(SALT_BYTES + NONCE_BYTES)
        at = int(self._now() * 1000).to_bytes(TIME_BYTES)
        return drawn + self._cipher(drawn).encrypt(
            drawn[SALT_BYTES:], at + msgspec.json.encode(message), place.encode()
        )

    def open(self, place: str, sealed: bytes, form: type[M], *, within: timedelta | None = None) -> M | None:
        """What was sealed for this place; None if nobody of ours did, or if it is older than `within`.

        Why is said once in the log for each form of message. Without `within` it may be a repetition from any time.
        """
        try:
            return self._opened(place, sealed, form, within)
        except _NotForUsError as problem:
            why = (form.__name__, str(problem))
            if why not in self._named:
                self._named.add(why)
                _log.warning("a message in Dragonfly (%s) %s; such are ignored from now on", *why)
            return None

    def _opened(self, place: str, sealed: bytes, form: type[M], within: timedelta | None) -> M:
        drawn = sealed[: SALT_BYTES + NONCE_BYTES]
        try:
            plain = self._cipher(drawn).decrypt(drawn[SALT_BYTES:], sealed[len(drawn) :], place.encode())
        except (InvalidTag, ValueError):  # ValueError: too short to be anything
            raise _NotForUsError("was not written with our master secret, or was changed") from None
        age = self._now() - int.from_bytes(plain[:TIME_BYTES]) / 1000
        if within is not None and abs(age) > (within + CLOCKS_DIFFER_BY).total_seconds():
            raise _NotForUsError("is of another time: it was repeated, or the clocks of our machines are wrong")
        try:
            return msgspec.json.decode(plain[TIME_BYTES:], type=form)
        except (msgspec.MsgspecError, RecursionError):
            raise _NotForUsError("cannot be read: another version of this program wrote it") from None

    def _cipher(self, drawn: bytes) -> AESGCM:
        return AESGCM(hmac.digest(self._key, drawn[:SALT_BYTES], "sha256"))


class _NotForUsError(Exception):
    """Why a message is ignored."""
