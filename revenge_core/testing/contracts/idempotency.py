"""What remembering requests promises."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

import pytest
from msgspec.structs import replace

from revenge_core.idempotency.entities import Attempt, Outcome, Recorded
from revenge_core.idempotency.ports import Fingerprints
from revenge_core.testing.contracts.world import RACERS, Contract, World, race

NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)
DAY: Final = timedelta(days=1)
MADE: Final = Outcome(status=201, body=b'{"id": 1}', location="/api/v1/things/1")


def an_attempt(**changes: object) -> Attempt:
    """A request with a key."""
    usual = Attempt(
        caller="user:1",
        operation="makeThing",
        key_hash=sha256(b"key").digest(),
        fingerprint=sha256(b"content").digest(),
    )
    return replace(usual, **changes)


async def begin(world: World, attempt: Attempt, at: datetime = NOON) -> Recorded | None:
    """Begin it in a transaction of its own, under the usual terms."""
    async with world.uow.begin() as tx:
        return await tx.idempotency.begin(attempt, at, stale_before=at - MINUTE, expired_before=at - DAY)


async def finish(world: World, attempt: Attempt, begun_at: datetime = NOON, outcome: Outcome = MADE) -> None:
    """Note its outcome in a transaction of its own."""
    async with world.uow.begin() as tx:
        await tx.idempotency.finish(attempt, begun_at, outcome)


class IdempotencyStoreContract(Contract):
    """A subclass says what `world` is."""

    @pytest.fixture
    def world(self) -> World:
        raise NotImplementedError

    async def test_an_attempt_that_nobody_knows_begins(self, world: World) -> None:
        assert await begin(world, an_attempt()) is None

    async def test_whoever_comes_second_is_told_what_is_recorded(self, world: World) -> None:
        await begin(world, an_attempt())
        other = an_attempt(fingerprint=sha256(b"other content").digest())
        expected = Recorded(fingerprint=an_attempt().fingerprint, begun_at=NOON, outcome=None)
        assert await begin(world, an_attempt()) == expected
        assert await begin(world, other) == expected

    @pytest.mark.parametrize(
        "outcome",
        [
            MADE,
            Outcome(status=204, body=b"", location=None),
            Outcome(status=201, body=None, location="/api/v1/secrets/1"),
            Outcome(status=201, body=None, location=None),
            Outcome(status=200, body=bytes(range(256)), location=None),
        ],
        ids=["made", "empty", "secret", "secret nowhere", "bytes"],
    )
    async def test_an_outcome_is_kept_as_it_was(self, world: World, outcome: Outcome) -> None:
        await begin(world, an_attempt())
        await finish(world, an_attempt(), outcome=outcome)
        recorded = await begin(world, an_attempt(), NOON + timedelta(hours=23))
        assert recorded is not None
        assert recorded.outcome == outcome

    @pytest.mark.parametrize(
        "other",
        [
            an_attempt(caller="user:2"),
            an_attempt(caller="address:192.0.2.9"),
            an_attempt(operation="makeOther"),
            an_attempt(key_hash=sha256(b"other").digest()),
        ],
        ids=["another user", "a stranger", "another operation", "another key"],
    )
    async def test_another_caller_operation_or_key_is_another_attempt(self, world: World, other: Attempt) -> None:
        await begin(world, an_attempt())
        assert await begin(world, other) is None

    async def test_an_abandoned_attempt_begins_anew(self, world: World) -> None:
        await begin(world, an_attempt())
        async with world.uow.begin() as tx:
            await tx.idempotency.abandon(an_attempt(), NOON)
        assert await begin(world, an_attempt()) is None

    async def test_what_died_is_taken_over_after_a_minute_by_one(self, world: World) -> None:
        await begin(world, an_attempt())
        assert await begin(world, an_attempt(), NOON + MINUTE) is not None
        later = NOON + MINUTE + timedelta(seconds=1)
        outcomes = await race(lambda: begin(world, an_attempt(), later))
        assert outcomes.count(None) == 1

    async def test_what_died_is_not_taken_over_by_another_request_with_its_key(self, world: World) -> None:
        await begin(world, an_attempt())
        other = an_attempt(fingerprint=sha256(b"other content").digest())
        assert await begin(world, other, NOON + 2 * MINUTE) is not None

    async def test_whose_attempt_was_taken_over_changes_nothing_any_more(self, world: World) -> None:
        later = NOON + 2 * MINUTE
        await begin(world, an_attempt())
        await begin(world, an_attempt(), later)
        await finish(world, an_attempt(), NOON)
        async with world.uow.begin() as tx:
            await tx.idempotency.abandon(an_attempt(), NOON)
        recorded = await begin(world, an_attempt(), later)
        assert recorded == Recorded(fingerprint=an_attempt().fingerprint, begun_at=later, outcome=None)

    async def test_what_has_an_outcome_is_neither_abandoned_nor_done_again(self, world: World) -> None:
        await begin(world, an_attempt())
        await finish(world, an_attempt())
        await finish(world, an_attempt(), outcome=Outcome(status=200, body=b"other", location=None))
        async with world.uow.begin() as tx:
            await tx.idempotency.abandon(an_attempt(), NOON)
        recorded = await begin(world, an_attempt())
        assert recorded is not None
        assert recorded.outcome == MADE

    async def test_after_a_day_a_key_is_as_good_as_new(self, world: World) -> None:
        await begin(world, an_attempt())
        await finish(world, an_attempt())
        other = an_attempt(fingerprint=sha256(b"other content").digest())
        later = NOON + DAY + timedelta(seconds=1)
        assert await begin(world, other, later) is None
        assert await begin(world, other, later) == Recorded(fingerprint=other.fingerprint, begun_at=later, outcome=None)

    async def test_of_many_at_the_same_time_one_begins(self, world: World) -> None:
        outcomes = await race(lambda: begin(world, an_attempt()))
        assert outcomes.count(None) == 1
        assert len([one for one in outcomes if isinstance(one, Recorded)]) == RACERS - 1

    async def test_a_transaction_that_fails_leaves_no_attempt(self, world: World) -> None:
        with pytest.raises(ZeroDivisionError):
            async with world.uow.begin() as tx:
                await tx.idempotency.begin(an_attempt(), NOON, stale_before=NOON - MINUTE, expired_before=NOON - DAY)
                raise ZeroDivisionError
        assert await begin(world, an_attempt()) is None

    async def test_old_attempts_are_forgotten_in_batches_the_oldest_first(self, world: World) -> None:
        for hour in range(5):
            await begin(world, an_attempt(caller=f"user:{hour}"), NOON + timedelta(hours=hour))
        async with world.uow.begin() as tx:
            assert await tx.idempotency.forget(before=NOON + timedelta(hours=3), limit=2) == 2
            assert await tx.idempotency.forget(before=NOON + timedelta(hours=3), limit=2) == 1
            assert await tx.idempotency.forget(before=NOON + timedelta(hours=3), limit=2) == 0
        soon = NOON + timedelta(hours=3, seconds=1)
        assert await begin(world, an_attempt(caller="user:2"), soon) is None
        assert await begin(world, an_attempt(caller="user:3"), soon) is not None


class FingerprintsContract(Contract):
    """A subclass says what `fingerprints` and `of_others` are: two servers', with different secrets."""

    @pytest.fixture
    def fingerprints(self) -> Fingerprints:
        raise NotImplementedError

    @pytest.fixture
    def of_others(self) -> Fingerprints:
        raise NotImplementedError

    def test_the_same_content_has_the_same_fingerprint_and_other_content_another(
        self, fingerprints: Fingerprints
    ) -> None:
        assert fingerprints.of(b"content") == fingerprints.of(b"content")
        assert len({fingerprints.of(content) for content in (b"", b"content", b"content ", b"x" * 100_000)}) == 4

    def test_a_fingerprint_has_32_bytes_whatever_it_is_of(self, fingerprints: Fingerprints) -> None:
        assert {len(fingerprints.of(b"x" * length)) for length in (0, 1, 100_000)} == {32}

    def test_without_the_secret_contents_cannot_be_tried_out(
        self, fingerprints: Fingerprints, of_others: Fingerprints
    ) -> None:
        assert fingerprints.of(b"password") != of_others.of(b"password")
        assert fingerprints.of(b"password") != sha256(b"password").digest()
