"""A club that meets to watch films: a program that embeds Revenge for its members' accounts."""

import asyncio
import hashlib
import hmac
import os
from datetime import timedelta
from typing import ClassVar

from revenge_core import Actor, Revenge, Secret
from revenge_core.auth.ports import PasswordHasher
from revenge_core.background import Job, JobContext, JobSpec, Queue, Schedule, Snooze
from revenge_core.jobs import Handlers
from revenge_core.users.entities import NewUser

ITERATIONS = 10


class PrintTicket(Job, kw_only=True):
    """A ticket for somebody who comes tonight."""

    spec: ClassVar[JobSpec] = JobSpec(kind="club_print_ticket", queue=Queue.HIGH)

    name: str


class SweepFloor(Job, kw_only=True):
    """Popcorn gets everywhere."""

    spec: ClassVar[JobSpec] = JobSpec(kind="club_sweep_floor", queue=Queue.LOW)


class Printer:
    """Prints tickets while there is paper; somebody sweeps every night at two."""

    def __init__(self) -> None:
        self.paper = 10
        self.tickets: list[str] = []
        self.sweeps = 0

    def jobs(self, revenge: Revenge, handlers: Handlers) -> None:
        """What `open_revenge(jobs=...)` and `sandbox(jobs=...)` take."""
        handlers.add(PrintTicket, self.print)
        handlers.add(SweepFloor, self.sweep)
        nightly = Schedule(name="club_sweep", job=SweepFloor(), every=timedelta(days=1), offset=timedelta(hours=2))
        handlers.add_schedules([nightly])

    async def print(self, job: PrintTicket, ctx: JobContext) -> None:
        """Not without paper."""
        if not self.paper:
            raise Snooze(timedelta(minutes=5))
        self.paper -= 1
        self.tickets.append(f"{ctx.id}: {job.name}")

    async def sweep(self, job: SweepFloor, ctx: JobContext) -> None:
        """Every night."""
        self.sweeps += 1


class Club:
    """Members, and who comes tonight."""

    def __init__(self, revenge: Revenge) -> None:
        self._revenge = revenge
        self.tonight: list[str] = []

    async def join(self, name: str, password: Secret) -> Actor:
        """Become a member and come in."""
        await self._revenge.accounts.register(NewUser(username=name, email=f"{name}@club.example"), password)
        answer = await self._revenge.auth.login(name, password)
        return await self._revenge.auth.authenticate(answer.tokens.access_token.reveal())

    async def come_tonight(self, actor: Actor) -> None:
        """Take a seat, and get a ticket as soon as it is printed."""
        name = (await self._revenge.users.me(actor)).username
        self.tonight.append(name)
        await self._revenge.jobs.enqueue(Actor.system(), PrintTicket(name=name))


class Pbkdf2Hasher(PasswordHasher):
    """The club's old passwords are PBKDF2 hashes: `pbkdf2$iterations$salt$digest`."""

    def __init__(self) -> None:
        self._decoy = self._hashed(Secret(os.urandom(16).hex()), os.urandom(16))

    @property
    def decoy(self) -> Secret:
        return self._decoy

    async def hash(self, password: Secret, *, known: bool = False) -> Secret:
        return await asyncio.to_thread(self._hashed, password, os.urandom(16))

    async def verify(self, password_hash: Secret, password: Secret, *, known: bool = False) -> bool:
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
