"""What every store of one-time tokens owes."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from revenge_core.ids import UserId
from revenge_core.testing.builders import NOW, a_digest, a_one_time_token
from revenge_core.testing.contracts.world import RACERS, Contract, World, race
from revenge_core.users.entities import OneTimeToken, Purpose

LATER = NOW + timedelta(minutes=1)
TICK = timedelta(microseconds=1)


class OneTimeTokenStoreContract(Contract):
    """Fixture: `world`."""

    async def put(self, world: World, owner: UserId | None = None, **changes: object) -> OneTimeToken:
        """A token of `owner`, or of somebody new, committed."""
        token = a_one_time_token(owner or (await world.add_user()).id, **changes)
        async with world.uow.begin() as tx:
            await tx.one_time_tokens.put(token)
        return token

    async def find(
        self, world: World, token: OneTimeToken, purpose: Purpose = Purpose.PASSWORD_RESET, at: datetime = LATER
    ) -> OneTimeToken | None:
        """What the store finds in a transaction of its own."""
        async with world.uow.begin() as tx:
            return await tx.one_time_tokens.find(token.token_hash, purpose, at)

    async def consume(
        self, world: World, token: OneTimeToken, purpose: Purpose = Purpose.PASSWORD_RESET, at: datetime = LATER
    ) -> OneTimeToken | None:
        """Use the token in a transaction of its own."""
        async with world.uow.begin() as tx:
            await tx.users.lock(token.user_id)
            return await tx.one_time_tokens.consume(token.token_hash, purpose, at)

    @pytest.mark.parametrize("email", ["Ada@Example.org", None])
    async def test_a_token_comes_back_as_it_was_kept(self, world: World, email: str | None) -> None:
        token = await self.put(world, email=email)
        found = await self.find(world, token)
        assert found == token
        assert found is not None
        assert found.expires_at.utcoffset() == timedelta(0)
        assert await self.consume(world, token) == token

    async def test_a_token_is_found_by_its_owner_for_its_purpose_also_when_it_expired(self, world: World) -> None:
        token = await self.put(world, expires_at=NOW - timedelta(days=1))
        stranger = await world.add_user()
        async with world.uow.begin() as tx:
            assert await tx.one_time_tokens.of_user(token.user_id, Purpose.PASSWORD_RESET) == token
            assert await tx.one_time_tokens.of_user(token.user_id, Purpose.EMAIL_VERIFY) is None
            assert await tx.one_time_tokens.of_user(stranger.id, Purpose.PASSWORD_RESET) is None

    async def test_a_token_is_good_until_just_before_it_expires(self, world: World) -> None:
        token = await self.put(world)
        assert await self.find(world, token, at=token.expires_at) is None
        assert await self.consume(world, token, at=token.expires_at) is None
        assert await self.find(world, token, at=token.expires_at - TICK) == token
        assert await self.consume(world, token, at=token.expires_at - TICK) == token

    @pytest.mark.asvs("6.6.2")
    async def test_a_token_is_good_for_its_own_purpose_only(self, world: World) -> None:
        token = await self.put(world, purpose=Purpose.EMAIL_CHANGE)
        for purpose in frozenset(Purpose) - {Purpose.EMAIL_CHANGE}:
            assert await self.find(world, token, purpose) is None
            assert await self.consume(world, token, purpose) is None
        assert await self.consume(world, token, Purpose.EMAIL_CHANGE) == token

    async def test_a_token_that_never_was_is_good_for_nothing(self, world: World) -> None:
        token = await self.put(world)
        stranger = replace(token, token_hash=a_digest())
        assert await self.find(world, stranger) is None
        assert await self.consume(world, stranger) is None

    async def test_looking_does_not_use_a_token_and_using_it_does(self, world: World) -> None:
        token = await self.put(world)
        assert await self.find(world, token) == token
        assert await self.consume(world, token) == token
        assert await self.find(world, token) is None
        assert await self.consume(world, token) is None

    async def test_a_new_token_voids_the_users_old_one_for_the_same_purpose_and_no_other(self, world: World) -> None:
        old = await self.put(world)
        other_purpose = await self.put(world, old.user_id, purpose=Purpose.EMAIL_VERIFY)
        somebody_elses = await self.put(world)
        new = await self.put(world, old.user_id, email="new@example.org", created_at=LATER)
        assert await self.find(world, old) is None
        assert await self.find(world, new) == new
        assert await self.find(world, other_purpose, Purpose.EMAIL_VERIFY) == other_purpose
        assert await self.find(world, somebody_elses) == somebody_elses

    async def test_voiding_ends_the_named_purposes_of_one_user(self, world: World) -> None:
        reset = await self.put(world)
        verify = await self.put(world, reset.user_id, purpose=Purpose.EMAIL_VERIFY)
        change = await self.put(world, reset.user_id, purpose=Purpose.EMAIL_CHANGE)
        somebody_elses = await self.put(world)
        async with world.uow.begin() as tx:
            await tx.one_time_tokens.void(reset.user_id)
            await tx.one_time_tokens.void(reset.user_id, Purpose.PASSWORD_RESET, Purpose.EMAIL_CHANGE)
        assert await self.find(world, reset) is None
        assert await self.find(world, change, Purpose.EMAIL_CHANGE) is None
        assert await self.find(world, verify, Purpose.EMAIL_VERIFY) == verify
        assert await self.find(world, somebody_elses) == somebody_elses

    @pytest.mark.asvs("2.3.4", "15.4.2")
    async def test_defect_13_of_many_who_use_a_token_one_does(self, world: World) -> None:
        token = await self.put(world)
        outcomes = await race(lambda: self.consume(world, token))
        assert sorted(outcomes, key=bool) == [None] * (RACERS - 1) + [token]

    async def test_a_token_used_in_a_transaction_that_fails_stays_good(self, world: World) -> None:
        token = await self.put(world)
        with pytest.raises(LookupError):
            async with world.uow.begin() as tx:
                assert await tx.one_time_tokens.consume(token.token_hash, Purpose.PASSWORD_RESET, LATER)
                raise LookupError
        assert await self.consume(world, token) == token

    async def test_expired_tokens_are_forgotten_a_batch_at_a_time(self, world: World) -> None:
        expired = [await self.put(world, expires_at=LATER) for _ in range(3)]
        good = await self.put(world, expires_at=LATER + TICK)
        async with world.uow.begin() as tx:
            assert await tx.one_time_tokens.forget_expired(by=LATER - TICK, limit=10) == 0
            assert await tx.one_time_tokens.forget_expired(by=LATER, limit=2) == 2
            assert await tx.one_time_tokens.forget_expired(by=LATER, limit=2) == 1
            assert await tx.one_time_tokens.forget_expired(by=LATER, limit=2) == 0
        for token in expired:
            assert await self.find(world, token, at=NOW) is None
        assert await self.find(world, good, at=NOW) == good
