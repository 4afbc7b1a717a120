"""Requests that are sent twice, on memory and on PostgreSQL."""

import asyncio
from collections import Counter

import pytest

from revenge_adapters.fingerprints import KeyedFingerprints
from revenge_adapters.memory.clock import ManualClock
from revenge_core.actor import Actor, Origin
from revenge_core.errors import RevengeError
from revenge_core.idempotency.entities import Outcome
from revenge_core.idempotency.service import Idempotency
from revenge_core.testing.contracts.idempotency import MADE, FingerprintsContract, IdempotencyStoreContract
from revenge_core.testing.contracts.world import Contract, World
from tests.contracts.memory_world import OnMemory
from tests.contracts.postgres_world import OnPostgres

MANY = 50


class Fifty(Contract):
    @pytest.fixture
    def world(self) -> World:
        raise NotImplementedError

    async def test_of_fifty_identical_requests_one_is_done(self, world: World) -> None:
        """The others are told that it is being done, or what came of it."""
        clock = ManualClock(await world.now())
        done = 0

        async def send() -> Outcome | str:
            idempotency = Idempotency(world.uow, clock, KeyedFingerprints(b"tests"))
            actor = Actor.anonymous(Origin(address="192.0.2.9"))
            attempt = idempotency.attempt(actor, "makeThing", "one-key", b"content")

            async def work() -> Outcome:
                nonlocal done
                done += 1
                await asyncio.sleep(0.02)
                return MADE

            try:
                return await idempotency.once(attempt, work)
            except RevengeError as refusal:
                return refusal.code

        outcomes = Counter(repr(one) for one in await asyncio.gather(*(send() for _ in range(MANY))))
        assert done == 1
        assert outcomes.keys() <= {repr(MADE), repr("request_in_flight")}
        assert outcomes[repr(MADE)] >= 1
        assert await send() == MADE


class TestMemory(OnMemory, IdempotencyStoreContract, Fifty):
    pass


class TestPostgres(OnPostgres, IdempotencyStoreContract, Fifty):
    pass


class TestFingerprints(FingerprintsContract):
    @pytest.fixture
    def fingerprints(self) -> KeyedFingerprints:
        return KeyedFingerprints(b"ours")

    @pytest.fixture
    def of_others(self) -> KeyedFingerprints:
        return KeyedFingerprints(b"theirs")
