"""Stored secrets, sealed with AES-256-GCM under a key that follows from the master secret (decisions P1)."""

import binascii
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from typing_extensions import override

from revenge_adapters.master_secret import derived_key
from revenge_core.errors import SealBroken
from revenge_core.secrets import Sealer, Secret

VERSION: Final = "v1"
_NONCE_BYTES: Final = 12
"""Drawn at random, which is safe for 2³² secrets under one key (NIST SP 800-38D, 8.3)."""
_LOST_HALVES: Final = "surrogatepass"
"""Half characters, which people can type and no encoding knows, survive too."""


class CryptographySealer(Sealer):
    """`v1.<key id>.<nonce and ciphertext>`, bound to its context as associated data.

    Seals with the master secret; also opens what was sealed with `older` ones, for the time of a change of secrets.
    """

    def __init__(self, master_secret: Secret, *older: Secret) -> None:
        self._key_id = _key_id(master_secret)
        self._keys = {
            _key_id(secret): AESGCM(derived_key(secret, b"revenge seal v1", 32)) for secret in (master_secret, *older)
        }

    @override
    def seal(self, secret: Secret, context: str) -> str:
        nonce = os.urandom(_NONCE_BYTES)
        plain = secret.reveal().encode(errors=_LOST_HALVES)
        sealed = nonce + self._keys[self._key_id].encrypt(nonce, plain, context.encode())
        return f"{VERSION}.{self._key_id}.{urlsafe_b64encode(sealed).decode()}"

    @override
    def unseal(self, sealed: str, context: str) -> Secret:
        match sealed.split("."):
            case [version, key_id, body] if version == VERSION and key_id in self._keys:
                raw = _decoded(body)
            case _:
                raise SealBroken
        try:
            plain = self._keys[key_id].decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], context.encode())
        except (InvalidTag, ValueError):  # ValueError: too short to be anything
            raise SealBroken from None
        return Secret(plain.decode(errors=_LOST_HALVES))


def _key_id(master_secret: Secret) -> str:
    """Names a key and tells nothing about it."""
    return derived_key(master_secret, b"revenge seal key id v1", 4).hex()


def _decoded(body: str) -> bytes:
    try:
        raw = urlsafe_b64decode(body)
    except (binascii.Error, ValueError):
        raise SealBroken from None
    if urlsafe_b64encode(raw).decode() != body:  # base64 has several spellings; ours is the only one that counts
        raise SealBroken
    return raw
