"""What looking after all accounts needs: finding them, whoever and however many they are, and erasing them."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from revenge_core.ids import UserId
from revenge_core.testing.builders import NOW, a_bootstrap_token, a_credential, a_user, an_id, an_invitation
from revenge_core.testing.contracts.world import Contract, World
from revenge_core.users.entities import Listed, User, UserFilter

LATER = NOW + timedelta(days=30, microseconds=1)
TICK = timedelta(microseconds=1)


async def deleted(world: World, purge_at: datetime = LATER, **changes: object) -> User:
    """An account that was deleted, committed."""
    return await world.add_user(deleted_at=NOW, purge_at=purge_at, **changes)


async def found(world: World, **wanted: object) -> set[UserId]:
    """The ids of all accounts that fit."""
    page = await world.user_directory.find(replace(UserFilter(), **wanted), limit=100, offset=0)
    assert page.total == len(page.users)
    return {one.user.id for one in page.users}


class UserDirectoryContract(Contract):
    """Fixture: `world`."""

    async def test_living_accounts_are_listed_with_their_roles_the_newest_first(self, world: World) -> None:
        first, second = await world.add_user("user"), await world.add_user()
        newest = await world.add_user("admin", "user", created_at=NOW + TICK)
        await deleted(world)
        page = await world.user_directory.find(UserFilter(), limit=10, offset=0)
        assert page.total == 3
        assert page.users == (
            Listed(user=newest, roles=frozenset({"admin", "user"})),
            Listed(user=second, roles=frozenset()),
            Listed(user=first, roles=frozenset({"user"})),
        )

    async def test_a_page_is_a_part_and_says_how_many_fit_in_all(self, world: World) -> None:
        users = [await world.add_user(created_at=NOW + TICK * number) for number in range(3)]
        page = await world.user_directory.find(UserFilter(), limit=1, offset=1)
        assert ([one.user for one in page.users], page.total) == ([users[1]], 3)
        beyond = await world.user_directory.find(UserFilter(), limit=1, offset=3)
        assert (beyond.users, beyond.total) == ((), 3)

    @pytest.mark.parametrize("text", ["nna", "ANNA", "anna@example", "LARSSON", "à la", "strasse"])
    async def test_text_is_found_wherever_it_stands_in_any_letters(self, world: World, text: str) -> None:
        await world.add_user(username="berta", display_name="Berta")
        name = "Larsson À la Straße"
        anna = await world.add_user(username="Anna", email="Anna@Example.org", display_name=name)
        assert await found(world, query=text) == {anna.id}

    @pytest.mark.parametrize("text", ["%", "_", "a%a", "\\", "a\x00", "\ud800", "no such text"])
    async def test_what_stands_nowhere_finds_nobody(self, world: World, text: str) -> None:
        await world.add_user(username="anna")
        assert await found(world, query=text) == set()

    async def test_signs_that_mean_something_elsewhere_are_found_as_they_are(self, world: World) -> None:
        percent = await world.add_user(display_name="100% Anna")
        line = await world.add_user(username="an_na")
        await world.add_user(username="anxna", display_name="100 Anna")
        assert await found(world, query="0%") == {percent.id}
        assert await found(world, query="N_N") == {line.id}

    async def test_each_condition_narrows_the_list(self, world: World) -> None:
        admin = await world.add_user("admin", "user")
        member = await world.add_user("user")
        disabled = await world.add_user("user", is_active=False)
        bare = await world.add_user()
        gone = await deleted(world)
        assert await found(world, is_admin=True) == {admin.id}
        assert await found(world, is_admin=False) == {member.id, disabled.id, bare.id}
        assert await found(world, is_active=True) == {admin.id, member.id, bare.id}
        assert await found(world, is_active=False) == {disabled.id}
        assert await found(world, role="user") == {admin.id, member.id, disabled.id}
        assert await found(world, role="user", is_active=True, is_admin=False) == {member.id}
        assert await found(world, role="no such role") == set()
        assert await found(world, is_deleted=True) == {gone.id}

    async def test_defect_31_whoever_was_never_an_admin_is_none(self, world: World) -> None:
        user = await world.add_user("user")
        assert await found(world, is_admin=False, is_active=True) == {user.id}

    async def test_any_account_is_found_by_its_id_until_it_was_purged(self, world: World) -> None:
        living, gone = await world.add_user("user"), await deleted(world)
        assert await world.user_directory.any_by_id(living.id) == Listed(user=living, roles=frozenset({"user"}))
        assert await world.user_directory.any_by_id(gone.id) == Listed(user=gone, roles=frozenset())
        assert await world.user_directory.any_by_id(UserId(an_id())) is None

    async def test_an_account_is_found_by_its_name_or_else_its_address_in_any_letters(self, world: World) -> None:
        anna = await world.add_user(username="Anna", email="Anna@example.org")
        gone = await deleted(world, username="berta")
        assert await world.user_directory.id_of("ANNA") == anna.id
        assert await world.user_directory.id_of("anna@EXAMPLE.org") == anna.id
        assert await world.user_directory.id_of("Berta") == gone.id
        named = await world.add_user(username="carla")
        await world.add_user(email_key="carla")
        assert await world.user_directory.id_of("carla") == named.id

    @pytest.mark.parametrize("name", ["", "nobody", "%", "a\x00b", "\ud800", "x" * 10_000])
    async def test_a_name_that_nobody_has_finds_nobody(self, world: World, name: str) -> None:
        await world.add_user()
        assert await world.user_directory.id_of(name) is None


class PurgeContract(Contract):
    """Fixture: `world`."""

    async def test_a_deleted_account_can_be_locked_if_somebody_says_so(self, world: World) -> None:
        living, gone = await world.add_user(), await deleted(world, may_return=True)
        async with world.uow.begin() as tx:
            assert await tx.users.lock_any(gone.id) == gone
            assert await tx.users.lock_any(living.id) == living
            assert await tx.users.lock_any(UserId(an_id())) is None
            assert await tx.users.lock(gone.id) is None
            for user in (gone, living):
                assert await tx.users.lock_listed(user.id) == Listed(user=user, roles=frozenset())
            assert await tx.users.lock_listed(UserId(an_id())) is None

    async def test_what_is_due_is_told_the_longest_due_first(self, world: World) -> None:
        await world.add_user()
        later = await deleted(world, purge_at=LATER)
        sooner = await deleted(world, purge_at=LATER - TICK)
        not_yet = await deleted(world, purge_at=LATER + TICK)
        async with world.uow.begin() as tx:
            assert await tx.users.due_for_purge(by=LATER, limit=10) == (sooner.id, later.id)
            assert await tx.users.due_for_purge(by=LATER, limit=1) == (sooner.id,)
            assert not_yet.id in await tx.users.due_for_purge(by=LATER + TICK, limit=10)

    async def test_a_living_account_is_never_purged(self, world: World) -> None:
        living = await world.add_user()
        async with world.uow.begin() as tx:
            assert not await tx.users.purge(living.id)
            assert not await tx.users.purge(UserId(an_id()))
        assert await world.user(living.id) == living

    async def test_a_purged_account_is_gone_with_all_that_was_its_own_and_its_names_are_free(
        self, world: World
    ) -> None:
        gone = await deleted(world, username="anna")
        other = await world.add_user("user")
        session, kept = await world.add_session(gone), await world.add_session(other)
        token = await world.add_refresh_token(session)
        async with world.uow.begin() as tx:
            await tx.credentials.put(a_credential(gone.id))
            await tx.bootstrap_tokens.replace(a_bootstrap_token())
            assert await tx.users.purge(gone.id)
            assert not await tx.users.purge(gone.id)
        assert await world.user_directory.any_by_id(gone.id) is None
        assert await world.session(session.id) is None
        assert await world.family(token.token_hash) is None
        assert await world.session(kept.id) == kept
        namesake = a_user(username="anna", email=gone.email)
        async with world.uow.begin() as tx:
            await tx.users.add(namesake)
            assert await tx.roles.roles_of(gone.id) == frozenset()
            assert await tx.roles.roles_of(other.id) == {"user"}

    async def test_what_a_purged_account_did_for_others_stays_without_its_name(self, world: World) -> None:
        gone = await deleted(world)
        invitation = an_invitation(created_by=gone.id)
        async with world.uow.begin() as tx:
            await tx.invitations.add(invitation)
            assert await tx.users.purge(gone.id)
        assert await world.invitations.by_id(invitation.id) == replace(invitation, created_by=None)
