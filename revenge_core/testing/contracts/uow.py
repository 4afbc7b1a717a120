"""What every unit of work owes."""

import asyncio

import pytest
from msgspec.structs import replace

from revenge_core.activity.entities import EntryFilter
from revenge_core.feed import ROLES_CHANGED, SIGNING_KEYS_CHANGED, Change
from revenge_core.ids import SessionId, UserId
from revenge_core.jobs.entities import JobFilter
from revenge_core.testing.builders import (
    NOW,
    a_bootstrap_token,
    a_credential,
    a_grant,
    a_refresh_token,
    a_signing_key,
    a_user,
    an_entry,
    an_id,
)
from revenge_core.testing.contracts.errands import Errand, Mishap
from revenge_core.testing.contracts.world import RACERS, Contract, World, add_session, let_others_run, race
from revenge_core.tx import EveryTx
from revenge_core.users.entities import User


async def write_everywhere(tx: EveryTx, user: User) -> None:
    """Something into every store of the transaction."""
    await tx.users.add(user)
    await tx.credentials.put(a_credential(user.id))
    await tx.roles.grant(a_grant(user.id, "admin"))
    session = await add_session(tx, user)
    await tx.refresh_tokens.add(a_refresh_token(session.id))
    await tx.bootstrap_tokens.replace(a_bootstrap_token())
    await tx.signing_keys.add(a_signing_key())
    await tx.activity.add(an_entry())
    await tx.jobs.enqueue(Errand())
    await tx.job_admin.pause_queue("low", paused=True)
    tx.feed.publish(Change.of_user(user.id))


async def is_everywhere(world: World, user: User) -> set[bool]:
    """Whether each store holds what `write_everywhere` wrote: {True} all of it, {False} nothing."""
    async with world.uow.begin() as tx:
        inside = {
            await tx.users.lock(user.id) is not None,
            await tx.roles.has_enabled_admin(),
            bool(await tx.signing_keys.lock_all()),
        }
    return inside | {
        await world.users.by_id(user.id) is not None,
        await world.accounts.of_user(user.id) is not None,
        bool(await world.sessions.live_of(user.id, NOW)),
        bool(await world.activity.newest(EntryFilter(), limit=1)),
        bool(await world.job_reader.newest(JobFilter(), limit=1, before=None)),
        any(queue.paused_at for queue in await world.job_reader.queues()),
        Change.of_user(user.id) in await world.announced(),
    }


class UnitOfWorkContract(Contract):
    """Fixture: `world`."""

    async def test_a_clean_exit_keeps_everything(self, world: World) -> None:
        user = a_user()
        async with world.uow.begin() as tx:
            await write_everywhere(tx, user)
        assert await is_everywhere(world, user) == {True}

    async def test_leaving_the_block_by_return_keeps_everything(self, world: World) -> None:
        user = a_user()

        async def returns_inside() -> None:
            async with world.uow.begin() as tx:
                await write_everywhere(tx, user)
                return

        await returns_inside()
        assert await is_everywhere(world, user) == {True}

    async def test_an_exception_undoes_everything_and_is_passed_on(self, world: World) -> None:
        user, mishap = a_user(), Mishap()
        with pytest.raises(Mishap) as raised:
            async with world.uow.begin() as tx:
                await write_everywhere(tx, user)
                raise mishap
        assert raised.value is mishap
        assert await is_everywhere(world, user) == {False}

    async def test_a_cancellation_undoes_everything(self, world: World) -> None:
        user, written = a_user(), asyncio.Event()

        async def never_ends() -> None:
            async with world.uow.begin() as tx:
                await write_everywhere(tx, user)
                written.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(never_ends())
        await written.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await is_everywhere(world, user) == {False}

    async def test_changes_to_what_was_there_are_undone_too(self, world: World) -> None:
        user = await world.add_user()
        session = await world.add_session(user)
        with pytest.raises(Mishap):
            async with world.uow.begin() as tx:
                await tx.users.update(replace(user, display_name="half done"))
                await tx.sessions.restamp(session.id, 7)
                raise Mishap
        assert await world.user(user.id) == user
        assert await world.session(session.id) == session

    async def test_the_next_transaction_works_after_one_that_failed(self, world: World) -> None:
        with pytest.raises(Mishap):
            async with world.uow.begin():
                raise Mishap
        user = await world.add_user()
        assert await world.user(user.id) == user

    async def test_a_transaction_sees_its_own_writes_and_others_do_not(self, world: World) -> None:
        user = a_user()
        async with world.uow.begin() as tx:
            await write_everywhere(tx, user)
            assert await tx.users.lock(user.id) == user
            assert await world.users.by_id(user.id) is None
            assert await world.accounts.of_user(user.id) is None
            assert tuple(await world.announced()) == ()
        assert await world.users.by_id(user.id) == user

    async def test_whoever_waits_for_a_lock_sees_what_the_holder_left(self, world: World) -> None:
        user = await world.add_user()
        locked, may_end = asyncio.Event(), asyncio.Event()

        async def holder() -> None:
            async with world.uow.begin() as tx:
                held = await tx.users.lock(user.id)
                assert held is not None
                locked.set()
                await may_end.wait()
                await tx.users.update(replace(held, display_name="first"))

        async def waiter() -> User | None:
            async with world.uow.begin() as tx:
                return await tx.users.lock(user.id)

        first = asyncio.create_task(holder())
        await locked.wait()
        second = asyncio.create_task(waiter())
        await let_others_run()
        assert not second.done()
        may_end.set()
        await first
        seen = await second
        assert seen is not None
        assert seen.display_name == "first"

    async def test_no_update_under_a_lock_is_lost(self, world: World) -> None:
        user = await world.add_user()

        async def count_up() -> None:
            async with world.uow.begin() as tx:
                held = await tx.users.lock(user.id)
                assert held is not None
                await asyncio.sleep(0)
                await tx.users.update(replace(held, epoch=held.epoch + 1))

        assert await race(count_up) == [None] * RACERS
        counted = await world.user(user.id)
        assert counted is not None
        assert counted.epoch == RACERS

    async def test_a_waiter_that_is_cancelled_holds_nobody_up(self, world: World) -> None:
        user = await world.add_user()
        locked, may_end = asyncio.Event(), asyncio.Event()

        async def holder() -> None:
            async with world.uow.begin() as tx:
                await tx.users.lock(user.id)
                locked.set()
                await may_end.wait()

        async def waiter() -> None:
            async with world.uow.begin() as tx:
                await tx.users.lock(user.id)

        first = asyncio.create_task(holder())
        await locked.wait()
        second = asyncio.create_task(waiter())
        await let_others_run()
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        may_end.set()
        await first
        assert await world.user(user.id) == user


class ChangeFeedContract(Contract):
    """What the transaction's end of the revocation feed owes (rulings R25). Fixture: `world`."""

    async def test_changes_are_announced_in_the_order_of_publishing(self, world: World) -> None:
        changes = (
            Change.of_user(UserId(an_id())),
            Change.of_session(SessionId(an_id())),
            ROLES_CHANGED,
            SIGNING_KEYS_CHANGED,
        )
        async with world.uow.begin() as tx:
            tx.feed.publish(changes[0], changes[1])
            tx.feed.publish(*changes[2:])
        assert tuple(await world.announced()) == changes

    async def test_a_transaction_that_changes_nothing_announces_nothing(self, world: World) -> None:
        async with world.uow.begin() as tx:
            tx.feed.publish()
        assert tuple(await world.announced()) == ()

    async def test_a_transaction_that_fails_announces_nothing(self, world: World) -> None:
        with pytest.raises(Mishap):
            async with world.uow.begin() as tx:
                tx.feed.publish(ROLES_CHANGED)
                raise Mishap
        assert tuple(await world.announced()) == ()

    async def test_transactions_follow_one_another(self, world: World) -> None:
        changes = [Change.of_user(UserId(an_id())) for _ in range(3)]
        for change in changes:
            async with world.uow.begin() as tx:
                tx.feed.publish(change)
        assert list(await world.announced()) == changes

    async def test_of_transactions_at_the_same_time_every_one_is_heard(self, world: World) -> None:
        async def publish() -> Change:
            change = Change.of_user(UserId(an_id()))
            async with world.uow.begin() as tx:
                tx.feed.publish(change)
                await asyncio.sleep(0)
            return change

        published = await race(publish)
        heard = await world.announced()
        assert len(heard) == RACERS
        assert set(heard) == set(published)
