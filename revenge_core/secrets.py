"""Secrets: a type that hides itself, and the one factory of random tokens (ASVS 7.2.3, 11.5.1)."""

import hashlib
import hmac
import secrets as _random
from typing import Final, Protocol, final

TOKEN_BYTES: Final = 32


@final
class Secret:
    """Text that must not be seen: it hides in `repr`, `str` and formatting, and compares in constant time."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself. Every call of this is a place to review."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(_bytes(self), _bytes(other))

    def __hash__(self) -> int:
        return hash(("Secret", self._value))

    def __reduce__(self) -> tuple[type["Secret"], tuple[str]]:
        message = "a Secret cannot be pickled: pass it on, or reveal() it where it is used"
        raise TypeError(message)


class Sealer(Protocol):
    """Hides secrets that must be stored: who has only the database learns nothing (decisions P1)."""

    def seal(self, secret: Secret, context: str) -> str:
        """The secret, encrypted, as text; it opens in the same `context` only."""
        ...

    def unseal(self, sealed: str, context: str) -> Secret:
        """The secret.

        Raises:
            SealBroken: it was changed, made in another context, or sealed with a key that this server does not have.
        """
        ...


def new_token() -> Secret:
    """A fresh token of 256 random bits, written as 64 hexadecimal digits."""
    return Secret(_random.token_hex(TOKEN_BYTES))


def new_salt() -> bytes:
    """Sixteen random bytes for a digest that must be erasable (rulings R28)."""
    return _random.token_bytes(16)


def digest(token: Secret) -> bytes:
    """What is stored of a token: SHA-256. Only for tokens of full entropy, never for passwords (ASVS 6.5.2)."""
    return hashlib.sha256(_bytes(token)).digest()


def derive_token(parent: Secret, salt: bytes) -> Secret:
    """The token that follows from `parent` and `salt`: whoever holds only one of the two learns nothing about it."""
    return Secret(hmac.new(_bytes(parent), b"revenge refresh child\x00" + salt, hashlib.sha256).hexdigest())


def _bytes(secret: Secret) -> bytes:
    """Whatever was typed has a digest, also what is no valid Unicode."""
    return secret.reveal().encode("utf-8", "surrogatepass")
