"""What every store of refresh tokens owes (rulings R16)."""

import asyncio
from datetime import timedelta

from msgspec.structs import replace

from revenge_core.sessions.entities import EndReason, RefreshFamily, RefreshToken
from revenge_core.testing.builders import NOW, a_digest, a_refresh_token
from revenge_core.testing.contracts.world import RACERS, Contract, World, let_others_run, race

LATER = NOW + timedelta(seconds=5, microseconds=1)
TICK = timedelta(microseconds=1)
SALT, NEXT_SALT = b"s" * 32, b"t" * 32


async def rotate(world: World, token: RefreshToken, salt: bytes = SALT) -> RefreshToken:
    """Use the token in a transaction of its own; its child."""
    child = a_refresh_token(token.session_id, issued_at=LATER)
    async with world.uow.begin() as tx:
        await tx.refresh_tokens.rotate(token.token_hash, at=LATER, child=child, child_salt=salt)
    return child


async def salt_of(world: World, token: RefreshToken) -> bytes | None:
    """What is kept to make the token's child again."""
    family = await world.family(token.token_hash)
    assert family is not None
    return family.presented.child_salt


class RefreshTokenStoreContract(Contract):
    """Fixture: `world`."""

    async def test_a_token_that_never_was_has_no_family(self, world: World) -> None:
        await world.add_refresh_token(await world.add_session(await world.add_user()))
        assert await world.family(a_digest()) is None

    async def test_a_fresh_token_comes_with_all_that_decides_about_it(self, world: World) -> None:
        user = await world.add_user(epoch=3)
        session = await world.add_session(user, epoch=2)
        token = await world.add_refresh_token(session, issued_at=LATER)
        assert await world.family(token.token_hash) == RefreshFamily(
            presented=token,
            child_used=False,
            session=session,
            user_epoch=3,
            user_active=True,
            username=user.username,
            email=user.email,
            email_verified=user.email_verified,
        )

    async def test_an_ended_session_still_comes_with_its_token(self, world: World) -> None:
        session = await world.add_session(await world.add_user())
        token = await world.add_refresh_token(session)
        async with world.uow.begin() as tx:
            await tx.sessions.end(session.id, EndReason.LOGOUT, LATER)
        family = await world.family(token.token_hash)
        assert family is not None
        assert family.session.ended_at == LATER

    async def test_a_disabled_user_is_not_active(self, world: World) -> None:
        user = await world.add_user()
        token = await world.add_refresh_token(await world.add_session(user))
        await world.update_user(replace(user, is_active=False))
        family = await world.family(token.token_hash)
        assert family is not None
        assert not family.user_active

    async def test_a_deleted_user_is_not_active(self, world: World) -> None:
        user = await world.add_user()
        token = await world.add_refresh_token(await world.add_session(user))
        await world.update_user(replace(user, deleted_at=LATER, purge_at=LATER))
        family = await world.family(token.token_hash)
        assert family is not None
        assert not family.user_active

    async def test_a_used_token_knows_its_child(self, world: World) -> None:
        token = await world.add_refresh_token(await world.add_session(await world.add_user()))
        child = await rotate(world, token)
        parent = await world.family(token.token_hash)
        assert parent is not None
        assert not parent.child_used
        assert parent.presented == replace(token, rotated_at=LATER, child_hash=child.token_hash, child_salt=SALT)
        family = await world.family(child.token_hash)
        assert family is not None
        assert family.presented == child

    async def test_using_the_child_is_told_by_its_parent(self, world: World) -> None:
        token = await world.add_refresh_token(await world.add_session(await world.add_user()))
        child = await rotate(world, token)
        await rotate(world, child, NEXT_SALT)
        parent, family = await world.family(token.token_hash), await world.family(child.token_hash)
        assert parent is not None
        assert family is not None
        assert (parent.child_used, family.child_used) == (True, False)

    async def test_using_the_child_erases_the_salt_that_made_it(self, world: World) -> None:
        session = await world.add_session(await world.add_user())
        token, unrelated = await world.add_refresh_token(session), await world.add_refresh_token(session)
        child = await rotate(world, token)
        await rotate(world, unrelated)
        await rotate(world, child, NEXT_SALT)
        assert [await salt_of(world, each) for each in (token, child, unrelated)] == [None, NEXT_SALT, SALT]

    async def test_salts_of_closed_windows_are_erased(self, world: World) -> None:
        token = await world.add_refresh_token(await world.add_session(await world.add_user()))
        child = await rotate(world, token)
        async with world.uow.begin() as tx:
            assert await tx.refresh_tokens.erase_salts(rotated_before=LATER) == 0
        assert await salt_of(world, token) == SALT
        async with world.uow.begin() as tx:
            assert await tx.refresh_tokens.erase_salts(rotated_before=LATER + TICK) == 1
            assert await tx.refresh_tokens.erase_salts(rotated_before=LATER + TICK) == 0
        family = await world.family(token.token_hash)
        assert family is not None
        assert family.presented == replace(token, rotated_at=LATER, child_hash=child.token_hash)

    async def test_of_many_who_bring_the_same_token_one_finds_it_unused(self, world: World) -> None:
        token = await world.add_refresh_token(await world.add_session(await world.add_user()))

        async def present() -> bool:
            async with world.uow.begin() as tx:
                family = await tx.refresh_tokens.lock_family(token.token_hash)
                assert family is not None
                await asyncio.sleep(0)
                if family.presented.rotated_at is not None:
                    return False
                child = a_refresh_token(token.session_id)
                await tx.refresh_tokens.rotate(token.token_hash, at=LATER, child=child, child_salt=SALT)
                return True

        assert sorted(await race(present), key=bool) == [False] * (RACERS - 1) + [True]

    async def test_a_parent_and_its_child_at_the_same_time_are_judged_one_after_the_other(self, world: World) -> None:
        token = await world.add_refresh_token(await world.add_session(await world.add_user()))
        child = await rotate(world, token)
        locked, may_end = asyncio.Event(), asyncio.Event()

        async def use_child() -> None:
            async with world.uow.begin() as tx:
                await tx.refresh_tokens.lock_family(child.token_hash)
                locked.set()
                await may_end.wait()
                grandchild = a_refresh_token(token.session_id)
                await tx.refresh_tokens.rotate(child.token_hash, at=LATER, child=grandchild, child_salt=NEXT_SALT)

        first = asyncio.create_task(use_child())
        await locked.wait()
        second = asyncio.create_task(world.family(token.token_hash))
        await let_others_run()
        assert not second.done()
        may_end.set()
        await first
        parent = await second
        assert parent is not None
        assert parent.child_used
        assert parent.presented.child_salt is None

    async def test_whoever_waited_sees_that_the_session_ended_meanwhile(self, world: World) -> None:
        session = await world.add_session(await world.add_user())
        token = await world.add_refresh_token(session)
        locked, may_end = asyncio.Event(), asyncio.Event()

        async def end() -> None:
            async with world.uow.begin() as tx:
                await tx.refresh_tokens.lock_family(token.token_hash)
                locked.set()
                await may_end.wait()
                await tx.sessions.end(session.id, EndReason.REFRESH_REUSED, LATER)

        first = asyncio.create_task(end())
        await locked.wait()
        second = asyncio.create_task(world.family(token.token_hash))
        await let_others_run()
        may_end.set()
        await first
        family = await second
        assert family is not None
        assert family.session.ended_at == LATER
