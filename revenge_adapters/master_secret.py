"""What is made of the master secret: for each purpose a key of its own (ASVS 11.4.4)."""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from revenge_core.secrets import Secret


def derived_key(master_secret: Secret, purpose: bytes, length: int) -> bytes:
    """`length` bytes for one purpose only: HKDF-SHA-256 (RFC 5869). Nothing about the others follows from them."""
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=purpose).derive(master_secret.reveal().encode())
