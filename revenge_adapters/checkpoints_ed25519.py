"""Signatures of checkpoints: Ed25519 (RFC 8032), with a key that follows from the master secret."""

from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from typing_extensions import override

from revenge_adapters.master_secret import derived_key
from revenge_core.activity.entities import Signature
from revenge_core.activity.ports import CheckpointSigner
from revenge_core.secrets import Secret


class Ed25519Signer(CheckpointSigner):
    """Signs, and knows its own signatures again. The private key is never stored: another start derives it anew."""

    def __init__(self, master_secret: Secret) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(derived_key(master_secret, b"revenge audit checkpoint v1", 32))
        self.public_key = self._key.public_key().public_bytes_raw()
        self.key_id = key_id(self.public_key)

    @override
    def sign(self, message: bytes) -> Signature:
        return Signature(key_id=self.key_id, public_key=self.public_key, signature=self._key.sign(message))

    @override
    def is_genuine(self, message: bytes, signature: Signature, trusted: frozenset[bytes]) -> bool:
        if signature.public_key != self.public_key and signature.public_key not in trusted:
            return False
        try:
            Ed25519PublicKey.from_public_bytes(signature.public_key).verify(signature.signature, message)
        except (InvalidSignature, ValueError):  # ValueError: what is trusted is no key at all
            return False
        return signature.key_id == key_id(signature.public_key)


def key_id(public_key: bytes) -> str:
    """Names a key: the beginning of its SHA-256."""
    return sha256(public_key).hexdigest()[:16]
