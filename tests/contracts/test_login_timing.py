"""How long a refusal takes tells nothing about the account (decisions I7, ASVS 6.3.8; identity.md, 11 and 12).

Times of this machine are compared with each other, never with a number: medians of many, taken in turn, so that
whatever else the machine does concerns all alike. It is the time of the processor: on doubles nothing else is waited
for, and hashing lets other processes go first. A refusal without a hash would take a twentieth.
"""

from collections.abc import Iterator
from statistics import median
from time import process_time
from typing import Final

import pytest
from msgspec.structs import replace

from revenge_adapters.memory.clock import ManualClock
from revenge_adapters.passwords_argon2 import Argon2Hasher
from revenge_core.actor import Origin
from revenge_core.auth.errors import CredentialsInvalid
from revenge_core.feed import Change
from revenge_core.revenge import Revenge
from revenge_core.secrets import Secret
from revenge_core.testing.contracts.world import World
from revenge_core.users.entities import NewUser
from tests.contracts.memory_world import memory_world
from tests.contracts.services import services_over

PASSWORD: Final = Secret("correct horse battery staple")
HERE: Final = Origin(address="192.0.2.7")
TRIES: Final = {
    "unknown": ("nobody", PASSWORD),
    "wrong": ("ada", Secret("a bad guess")),
    "wrong by address": ("ada@example.org", Secret("a bad guess")),
    "disabled": ("disabled", PASSWORD),
    "deleted": ("deleted", PASSWORD),
    "deleted by oneself": ("returning", Secret("a bad guess")),
    "endless": ("ada", Secret("x" * 100_000)),
    "empty": ("ada", Secret("")),
}
CHANGES: Final[dict[str, dict[str, object]]] = {
    "ada": {},
    "disabled": {"is_active": False},
    "deleted": {"is_deleted": True},
    "returning": {"is_deleted": True, "may_return": True},
}
ROUNDS: Final = 20
BAND: Final = 2.0


@pytest.fixture
def hasher() -> Iterator[Argon2Hasher]:
    """The real one, at a cost that still outweighs everything else in a refusal."""
    made = Argon2Hasher(memory_kib=4096, time_cost=1, parallelism=1, threads=1, queue=4)
    yield made
    made.close()


async def people(world: World, server: Revenge, clock: ManualClock) -> None:
    for name, changes in CHANGES.items():
        await server.accounts.register(NewUser(username=name, email=f"{name}@example.org"), PASSWORD)
        account = await world.accounts.by_login(name)
        assert account is not None
        changed = dict(changes)
        if changed.pop("is_deleted", False):
            changed |= {"deleted_at": clock.now(), "purge_at": clock.now().replace(year=2099)}
        async with world.uow.begin() as tx:
            await tx.users.update(replace(account.user, **changed))
            tx.feed.publish(Change.of_user(account.user.id))


@pytest.mark.asvs("6.3.8")
async def test_defect_12_every_refusal_takes_as_long_as_any_other(hasher: Argon2Hasher) -> None:
    world, clock = memory_world(), ManualClock()
    server = services_over(world, clock, hasher=hasher)
    await server.auth.load_signing_keys()
    await people(world, server, clock)
    seconds: dict[str, list[float]] = {kind: [] for kind in TRIES}
    for _ in range(ROUNDS):
        for kind, (login, password) in TRIES.items():
            clock.advance(minutes=10)
            began = process_time()
            with pytest.raises(CredentialsInvalid):
                await server.auth.login(login, password, HERE)
            seconds[kind].append(process_time() - began)
    medians = {kind: median(times) for kind, times in seconds.items()}
    assert max(medians.values()) / min(medians.values()) < BAND, medians
