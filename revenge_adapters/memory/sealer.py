"""Sealed secrets for tests: hidden from a glance, sealed against nobody who wants to know."""

import binascii
import hashlib
import hmac
import secrets
from typing import Final

from typing_extensions import override

from revenge_core.errors import SealBroken
from revenge_core.secrets import Sealer, Secret

_NONCE_BYTES: Final = 8
_MAC_BYTES: Final = 16


class MemorySealer(Sealer):
    """`sealed:<nonce, check and text mixed with a stream, in hexadecimal>`."""

    def __init__(self, master_secret: Secret | None = None) -> None:
        self._key = (master_secret or Secret("the master secret of no server")).reveal().encode()

    @override
    def seal(self, secret: Secret, context: str) -> str:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        mixed = self._mixed(nonce, secret.reveal().encode(errors="surrogatepass"))
        return f"sealed:{(nonce + self._mac(nonce + mixed, context) + mixed).hex()}"

    @override
    def unseal(self, sealed: str, context: str) -> Secret:
        try:
            raw = binascii.unhexlify(sealed.removeprefix("sealed:"))
        except ValueError:
            raise SealBroken from None
        nonce, mac, mixed = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:][:_MAC_BYTES], raw[_NONCE_BYTES + _MAC_BYTES :]
        if sealed != f"sealed:{raw.hex()}" or not hmac.compare_digest(mac, self._mac(nonce + mixed, context)):
            raise SealBroken
        return Secret(self._mixed(nonce, mixed).decode(errors="surrogatepass"))

    def _mixed(self, nonce: bytes, text: bytes) -> bytes:
        """The text XOR a stream; twice gives the text again."""
        stream = hashlib.shake_256(self._key + nonce).digest(len(text))
        return bytes(one ^ other for one, other in zip(text, stream, strict=True))

    def _mac(self, mixed: bytes, context: str) -> bytes:
        return hmac.digest(self._key, mixed + context.encode(), hashlib.sha256)[:_MAC_BYTES]
