"""A club that meets to watch films: a program that embeds Revenge for its members' accounts."""

import asyncio
import hashlib
import hmac
import os

from revenge_core import Actor, Revenge, Secret
from revenge_core.auth.ports import PasswordHasher
from revenge_core.users.entities import NewUser

ITERATIONS = 10


class Club:
    """Members, and who comes tonight."""

    def __init__(self, revenge: Revenge) -> None:
        self._revenge = revenge
        self.tonight: list[str] = []

    async def join(self, name: str, password: Secret) -> Actor:
        """Become a member and come in."""
        await self._revenge.auth.register(NewUser(username=name, email=f"{name}@club.example"), password)
        answer = await self._revenge.auth.login(name, password)
        return await self._revenge.auth.authenticate(answer.tokens.access_token.reveal())

    async def come_tonight(self, actor: Actor) -> None:
        """Take a seat."""
        self.tonight.append((await self._revenge.users.me(actor)).username)


class Pbkdf2Hasher(PasswordHasher):
    """The club's old passwords are PBKDF2 hashes: `pbkdf2$iterations$salt$digest`."""

    def __init__(self) -> None:
        self._decoy = self._hashed(Secret(os.urandom(16).hex()), os.urandom(16))

    @property
    def decoy(self) -> Secret:
        return self._decoy

    async def hash(self, password: Secret) -> Secret:
        return await asyncio.to_thread(self._hashed, password, os.urandom(16))

    async def verify(self, password_hash: Secret, password: Secret) -> bool:
        parts = password_hash.reveal().split("$")
        if len(parts) != 4 or parts[0] != "pbkdf2":
            return False
        expected = await asyncio.to_thread(self._hashed, password, bytes.fromhex(parts[2]))
        return hmac.compare_digest(expected.reveal().encode(), password_hash.reveal().encode())

    def needs_rehash(self, password_hash: Secret) -> bool:
        return not password_hash.reveal().startswith(f"pbkdf2${ITERATIONS}$")

    @staticmethod
    def _hashed(password: Secret, salt: bytes) -> Secret:
        text = password.reveal().encode("utf-8", "surrogatepass")
        digest = hashlib.pbkdf2_hmac("sha256", text, salt, ITERATIONS)
        return Secret(f"pbkdf2${ITERATIONS}${salt.hex()}${digest.hex()}")
