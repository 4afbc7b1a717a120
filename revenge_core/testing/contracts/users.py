"""What every store and every reader of accounts owes."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from revenge_core.ids import UserId
from revenge_core.testing.builders import NOW, a_user, an_id
from revenge_core.testing.contracts.world import RACERS, Contract, World, race
from revenge_core.users.entities import User
from revenge_core.users.errors import EmailTaken, UsernameTaken

LATER = NOW + timedelta(seconds=1, microseconds=1)


def a_full_user() -> User:
    """An account with every field set to something else than its default."""
    return a_user(
        display_name="Zoë 🎬",
        avatar_url="/api/v1/files/avatars/1",
        locale="de-CH",
        timezone="Europe/Zurich",
        qar_enabled=True,
        is_active=False,
        email_verified=True,
        epoch=3,
        updated_at=LATER,
        last_login_at=LATER,
    )


class UserStoreContract(Contract):
    """Fixture: `world`."""

    @pytest.mark.parametrize("user", [a_user(), a_full_user()], ids=["bare", "full"])
    async def test_an_account_comes_back_as_it_was_kept(self, world: World, user: User) -> None:
        async with world.uow.begin() as tx:
            await tx.users.add(user)
        assert await world.user(user.id) == user

    async def test_times_come_back_in_utc(self, world: World) -> None:
        user = await world.add_user(last_login_at=LATER)
        kept = await world.user(user.id)
        assert kept is not None
        assert kept.last_login_at is not None
        times = (kept.created_at, kept.updated_at, kept.last_login_at)
        assert [time.utcoffset() for time in times] == [timedelta(0)] * 3

    async def test_there_is_no_account_that_was_never_added(self, world: World) -> None:
        await world.add_user()
        assert await world.user(UserId(an_id())) is None

    async def test_a_name_belongs_to_one_account(self, world: World) -> None:
        await world.add_user(username="Anna")
        with pytest.raises(UsernameTaken):
            await world.add_user(username="ANNA", email="other@example.org")

    async def test_an_address_belongs_to_one_account(self, world: World) -> None:
        await world.add_user(email="Anna@Example.org")
        with pytest.raises(EmailTaken):
            await world.add_user(email="anna@example.ORG")

    async def test_a_taken_name_is_told_before_a_taken_address(self, world: World) -> None:
        await world.add_user(username="anna", email="anna@example.org")
        await world.add_user(username="berta", email="berta@example.org")
        with pytest.raises(UsernameTaken):
            await world.add_user(username="anna", email="berta@example.org")

    async def test_a_refused_account_leaves_no_trace(self, world: World) -> None:
        await world.add_user(username="anna")
        refused = a_user(username="anna", email="free@example.org")
        with pytest.raises(UsernameTaken):
            async with world.uow.begin() as tx:
                await tx.users.add(refused)
        assert await world.user(refused.id) is None
        await world.add_user(email="free@example.org")

    async def test_of_many_who_want_a_name_one_gets_it(self, world: World) -> None:
        async def register() -> None:
            async with world.uow.begin() as tx:
                await tx.users.add(a_user(username="anna", email=f"{an_id()}@example.org"))

        outcomes = await race(register)
        assert outcomes.count(None) == 1
        assert sum(isinstance(outcome, UsernameTaken) for outcome in outcomes) == RACERS - 1

    async def test_an_update_replaces_the_account(self, world: World) -> None:
        user = await world.add_user()
        changed = replace(a_full_user(), id=user.id, created_at=user.created_at)
        await world.update_user(changed)
        assert await world.user(user.id) == changed

    async def test_an_update_leaves_other_accounts_alone(self, world: World) -> None:
        user, other = await world.add_user(), await world.add_user()
        await world.update_user(replace(user, display_name="Anna"))
        assert await world.user(other.id) == other

    async def test_an_account_may_keep_its_own_names(self, world: World) -> None:
        user = await world.add_user(username="anna")
        await world.update_user(replace(user, username="Anna"))
        kept = await world.user(user.id)
        assert kept is not None
        assert kept.username == "Anna"

    async def test_an_update_cannot_take_names_of_others(self, world: World) -> None:
        user, other = await world.add_user(), await world.add_user()
        with pytest.raises(UsernameTaken):
            await world.update_user(replace(user, username_key=other.username_key))
        with pytest.raises(EmailTaken):
            await world.update_user(replace(user, email_key=other.email_key))
        assert await world.user(user.id) == user

    async def test_an_address_is_held_by_the_living_and_the_deleted(self, world: World) -> None:
        anna = await world.add_user(email="Anna@example.org")
        await world.update_user(replace(anna, deleted_at=LATER, purge_at=LATER))
        berta = await world.add_user(email="Berta@example.org")
        async with world.uow.begin() as tx:
            assert await tx.users.id_of_email("anna@example.org") == anna.id
            assert await tx.users.id_of_email("berta@example.org") == berta.id
            assert await tx.users.id_of_email("carla@example.org") is None

    async def test_an_update_of_nobody_does_nothing(self, world: World) -> None:
        nobody = a_user()
        await world.update_user(nobody)
        assert await world.user(nobody.id) is None

    async def test_a_deleted_account_is_not_found(self, world: World) -> None:
        user = await world.add_user()
        await world.update_user(replace(user, deleted_at=LATER, purge_at=LATER))
        assert await world.user(user.id) is None

    async def test_a_deleted_account_holds_its_names(self, world: World) -> None:
        user = await world.add_user()
        await world.update_user(replace(user, deleted_at=LATER, purge_at=LATER))
        with pytest.raises(UsernameTaken):
            await world.add_user(username=user.username, email="other@example.org")
        with pytest.raises(EmailTaken):
            await world.add_user(username="other", email=user.email)

    async def test_a_login_is_noted_and_nothing_else_changes(self, world: World) -> None:
        user, other = await world.add_user(), await world.add_user()
        async with world.uow.begin() as tx:
            await tx.users.mark_login(user.id, LATER)
        assert await world.user(user.id) == replace(user, last_login_at=LATER)
        assert await world.user(other.id) == other

    async def test_a_login_of_nobody_does_nothing(self, world: World) -> None:
        async with world.uow.begin() as tx:
            await tx.users.mark_login(UserId(an_id()), LATER)


class UserReaderContract(Contract):
    """Fixture: `world`."""

    @pytest.mark.parametrize("user", [a_user(), a_full_user()], ids=["bare", "full"])
    async def test_a_living_account_is_found_by_its_id(self, world: World, user: User) -> None:
        async with world.uow.begin() as tx:
            await tx.users.add(user)
        assert await world.users.by_id(user.id) == user

    async def test_an_unknown_id_finds_nobody(self, world: World) -> None:
        await world.add_user()
        assert await world.users.by_id(UserId(an_id())) is None

    async def test_somebody_who_was_unknown_is_found_once_there(self, world: World) -> None:
        user = a_user()
        assert await world.users.by_id(user.id) is None
        async with world.uow.begin() as tx:
            await tx.users.add(user)
        await world.settle()
        assert await world.users.by_id(user.id) == user

    async def test_an_announced_change_is_seen(self, world: World) -> None:
        user = await world.add_user()
        assert await world.users.by_id(user.id) == user
        changed = replace(user, display_name="Anna", epoch=1)
        await world.update_user(changed)
        assert await world.users.by_id(user.id) == changed

    async def test_a_deleted_account_is_not_found(self, world: World) -> None:
        user = await world.add_user()
        assert await world.users.by_id(user.id) == user
        await world.update_user(replace(user, deleted_at=LATER, purge_at=LATER))
        assert await world.users.by_id(user.id) is None
