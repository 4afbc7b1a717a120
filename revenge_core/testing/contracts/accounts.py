"""What every store and every reader of invitations owes."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from revenge_core.accounts.entities import Invitation
from revenge_core.ids import InvitationId
from revenge_core.rbac.errors import RoleUnknown
from revenge_core.testing.builders import NOW, a_digest, an_id, an_invitation
from revenge_core.testing.contracts.world import RACERS, Contract, World, race

LATER = NOW + timedelta(hours=1, microseconds=1)
TICK = timedelta(microseconds=1)


async def kept(world: World, **changes: object) -> Invitation:
    """An invitation, committed."""
    invitation = an_invitation(**changes)
    async with world.uow.begin() as tx:
        await tx.invitations.add(invitation)
    return invitation


async def peek(world: World, invitation: Invitation, at: datetime = LATER) -> Invitation | None:
    """What the store says in a transaction of its own."""
    async with world.uow.begin() as tx:
        return await tx.invitations.peek(invitation.token_hash, at)


async def consume(world: World, invitation: Invitation, at: datetime = LATER) -> Invitation | None:
    """Use the invitation in a transaction of its own."""
    async with world.uow.begin() as tx:
        return await tx.invitations.consume(invitation.token_hash, at)


class InvitationStoreContract(Contract):
    """Fixture: `world`."""

    async def test_an_invitation_comes_back_as_it_was_kept(self, world: World) -> None:
        maker = await world.add_user()
        full = await kept(
            world,
            role="moderator",
            libraries=("films", "a,b", '"{}"'),
            uses=7,
            used=3,
            email="Anna@example.org",
            note="for Anna\n🎬",
            created_by=maker.id,
            revoked_at=LATER,
        )
        bare = await kept(world)
        assert await world.invitations.by_id(full.id) == full
        assert await world.invitations.by_id(bare.id) == bare

    @pytest.mark.parametrize("role", ["no-such-role", "Admin", ""])
    async def test_nobody_is_invited_to_be_what_there_is_not(self, world: World, role: str) -> None:
        with pytest.raises(RoleUnknown):
            await kept(world, role=role)
        assert await world.invitations.all(limit=1, offset=0) == ((), 0)

    async def test_it_is_open_until_just_before_it_expires(self, world: World) -> None:
        invitation = await kept(world)
        assert await peek(world, invitation, invitation.expires_at - TICK) == invitation
        assert await peek(world, invitation, invitation.expires_at) is None
        assert await consume(world, invitation, invitation.expires_at) is None

    async def test_a_token_that_never_was_is_good_for_nothing(self, world: World) -> None:
        await kept(world)
        stranger = an_invitation(token_hash=a_digest())
        assert await peek(world, stranger) is None
        assert await consume(world, stranger) is None

    async def test_looking_uses_nothing_and_each_use_counts(self, world: World) -> None:
        invitation = await kept(world, uses=2)
        other = await kept(world)
        assert await peek(world, invitation) == invitation
        assert await consume(world, invitation) == replace(invitation, used=1)
        assert await consume(world, invitation) == replace(invitation, used=2)
        assert await consume(world, invitation) is None
        assert await peek(world, invitation) is None
        assert await peek(world, other) == other

    async def test_of_many_who_come_at_once_as_many_get_in_as_it_has_uses(self, world: World) -> None:
        invitation = await kept(world, uses=3)
        outcomes = await race(lambda: consume(world, invitation))
        assert outcomes.count(None) == RACERS - 3
        assert sorted(one.used for one in outcomes if isinstance(one, Invitation)) == [1, 2, 3]

    async def test_a_use_in_a_transaction_that_fails_does_not_count(self, world: World) -> None:
        invitation = await kept(world)
        with pytest.raises(LookupError):
            async with world.uow.begin() as tx:
                assert await tx.invitations.consume(invitation.token_hash, LATER)
                raise LookupError
        assert await peek(world, invitation) == invitation

    async def test_a_revoked_invitation_lets_nobody_in_and_is_revoked_once(self, world: World) -> None:
        invitation, other = await kept(world), await kept(world)
        async with world.uow.begin() as tx:
            assert await tx.invitations.revoke(invitation.id, LATER) == replace(invitation, revoked_at=LATER)
            assert await tx.invitations.revoke(invitation.id, LATER + TICK) is None
            assert await tx.invitations.revoke(InvitationId(an_id()), LATER) is None
        assert await consume(world, invitation) is None
        assert await peek(world, other) == other

    async def test_those_of_one_user_are_revoked_together(self, world: World) -> None:
        maker, somebody = await world.add_user(), await world.add_user()
        theirs = [await kept(world, created_by=maker.id) for _ in range(2)]
        await kept(world, created_by=maker.id, revoked_at=NOW)
        others = [await kept(world, created_by=somebody.id), await kept(world)]
        async with world.uow.begin() as tx:
            assert await tx.invitations.revoke_all_of(maker.id, LATER) == 2
            assert await tx.invitations.revoke_all_of(maker.id, LATER) == 0
        assert [await peek(world, one) for one in theirs] == [None, None]
        assert [await peek(world, one) for one in others] == others

    async def test_what_expired_or_was_revoked_is_forgotten_in_parts(self, world: World) -> None:
        old = [await kept(world, expires_at=LATER - TICK), await kept(world, revoked_at=LATER - TICK)]
        young = [await kept(world, expires_at=LATER), await kept(world, revoked_at=LATER)]
        async with world.uow.begin() as tx:
            assert await tx.invitations.forget(before=LATER, limit=1) == 1
        async with world.uow.begin() as tx:
            assert await tx.invitations.forget(before=LATER, limit=10) == 1
            assert await tx.invitations.forget(before=LATER, limit=10) == 0
        assert [await world.invitations.by_id(one.id) for one in old] == [None, None]
        assert [await world.invitations.by_id(one.id) for one in young] == young


class InvitationReaderContract(Contract):
    """Fixture: `world`."""

    async def test_there_is_none_that_was_never_made(self, world: World) -> None:
        await kept(world)
        assert await world.invitations.by_id(InvitationId(an_id())) is None

    async def test_all_are_listed_the_newest_first_in_parts(self, world: World) -> None:
        first, second = await kept(world), await kept(world)
        newest = await kept(world, created_at=LATER)
        assert await world.invitations.all(limit=10, offset=0) == ((newest, second, first), 3)
        assert await world.invitations.all(limit=1, offset=1) == ((second,), 3)
        assert await world.invitations.all(limit=10, offset=3) == ((), 3)
