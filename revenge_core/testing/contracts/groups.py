"""What every store and every reader of groups owes."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from revenge_core.ids import GroupId, UserId
from revenge_core.rbac.entities import GrantSource, Group, MemberPage
from revenge_core.rbac.errors import GroupNameTaken, RoleNotFound
from revenge_core.testing.builders import NOW, a_group, a_membership, an_id
from revenge_core.testing.contracts.world import RACERS, Contract, World, race

LATER = NOW + timedelta(hours=1)


async def add(world: World, *groups: Group) -> None:
    """New groups, committed."""
    async with world.uow.begin() as tx:
        for group in groups:
            await tx.groups.add(group)


async def join(world: World, group: Group, user_id: UserId, source: GrantSource = GrantSource.MANUAL) -> bool:
    """Somebody comes into a group, committed; what the store said."""
    async with world.uow.begin() as tx:
        return await tx.groups.add_member(a_membership(group.id, user_id, source=source))


async def leave(world: World, group: Group, user_id: UserId, source: GrantSource | None = None) -> bool:
    """Somebody leaves a group, committed; what the store said."""
    async with world.uow.begin() as tx:
        return await tx.groups.remove_member(group.id, user_id, source)


async def held(world: World, user_id: UserId) -> frozenset[str]:
    """What the store says in a transaction of its own."""
    async with world.uow.begin() as tx:
        return await tx.roles.roles_of(user_id)


async def kept(world: World, group: Group) -> Group | None:
    """What a transaction sees, which is what readers see."""
    async with world.uow.begin() as tx:
        found = await tx.groups.lock(group.id)
    assert found == await world.groups.by_id(group.id)
    return found


class GroupStoreContract(Contract):
    """Fixture: `world`."""

    async def test_a_group_is_kept_as_it_is(self, world: World) -> None:
        group = a_group("Films", "moderator", "guest", description="Whoever looks after films", version=7)
        other = a_group("Music")
        await add(world, group, other)
        assert (await kept(world, group), await kept(world, other)) == (group, other)

    async def test_there_is_no_group_of_an_id_that_nobody_gave(self, world: World) -> None:
        await add(world, a_group("Films"))
        assert await kept(world, a_group("Music")) is None

    async def test_names_that_compare_alike_are_taken(self, world: World) -> None:
        first, second = a_group("Films"), a_group("Music")
        await add(world, first, second)
        with pytest.raises(GroupNameTaken):
            await add(world, a_group("FILMS"))
        with pytest.raises(GroupNameTaken):
            async with world.uow.begin() as tx:
                await tx.groups.update(replace(second, name="films", name_key=first.name_key))
        assert await kept(world, second) == second

    async def test_of_many_who_take_a_name_at_once_one_gets_it(self, world: World) -> None:
        outcomes = await race(lambda: add(world, a_group("Films")))
        assert sorted(map(type, outcomes), key=str) == sorted([type(None), *[GroupNameTaken] * (RACERS - 1)], key=str)

    @pytest.mark.parametrize("role", ["no-such-role", "Admin", ""])
    async def test_no_group_carries_a_role_that_does_not_exist(self, world: World, role: str) -> None:
        group = a_group("Films", "guest")
        with pytest.raises(RoleNotFound):
            await add(world, replace(group, roles=frozenset({"user", role})))
        assert await kept(world, group) is None
        await add(world, group)
        with pytest.raises(RoleNotFound):
            async with world.uow.begin() as tx:
                await tx.groups.update(replace(group, roles=frozenset({"user", role})))
        assert await kept(world, group) == group

    async def test_an_update_replaces_all_of_it_and_nothing_of_others(self, world: World) -> None:
        group, other = a_group("Films", "guest", "moderator"), a_group("Music", "guest")
        await add(world, group, other)
        after = replace(
            group,
            name="Cinema",
            name_key="cinema",
            description="Moved",
            roles=frozenset({"moderator", "user"}),
            version=1,
            updated_at=LATER,
        )
        async with world.uow.begin() as tx:
            await tx.groups.update(after)
        assert (await kept(world, group), await kept(world, other)) == (after, other)

    async def test_members_hold_what_their_groups_carry_besides_their_own(self, world: World) -> None:
        user, stranger = await world.add_user("user"), await world.add_user("user")
        films, music = a_group("Films", "moderator"), a_group("Music", "guest", "user")
        await add(world, films, music)
        assert await join(world, films, user.id)
        assert await join(world, music, user.id)
        assert await held(world, user.id) == {"user", "moderator", "guest"}
        assert await held(world, stranger.id) == {"user"}
        async with world.uow.begin() as tx:
            await tx.groups.update(replace(films, roles=frozenset()))
        assert await held(world, user.id) == {"user", "guest"}

    async def test_whoever_is_in_a_group_already_is_in_it_once(self, world: World) -> None:
        user, films = await world.add_user(), a_group("Films", "guest")
        await add(world, films)
        assert await join(world, films, user.id)
        async with world.uow.begin() as tx:
            again = a_membership(films.id, user.id, added_at=LATER, added_by=user.id)
            assert not await tx.groups.add_member(again)
        page = await world.groups.members(films.id, limit=10, offset=0)
        assert [one.memberships for one in page.members] == [(a_membership(films.id, user.id),)]

    async def test_what_one_source_added_another_does_not_take_away(self, world: World) -> None:
        user, films = await world.add_user(), a_group("Films", "guest")
        await add(world, films)
        for source in (GrantSource.MANUAL, GrantSource.OIDC):
            assert await join(world, films, user.id, source)
        assert not await leave(world, films, user.id, GrantSource.DECLARATIVE)
        assert await leave(world, films, user.id, GrantSource.OIDC)
        assert not await leave(world, films, user.id, GrantSource.OIDC)
        assert await held(world, user.id) == {"guest"}
        assert await leave(world, films, user.id, GrantSource.MANUAL)
        assert await held(world, user.id) == frozenset()

    async def test_an_administrator_takes_away_what_every_source_added(self, world: World) -> None:
        user, other, films, music = await world.add_user(), await world.add_user(), a_group("Films"), a_group("Music")
        await add(world, films, music)
        for source in (GrantSource.MANUAL, GrantSource.OIDC):
            await join(world, films, user.id, source)
        await join(world, films, other.id)
        await join(world, music, user.id)
        assert await leave(world, films, user.id)
        assert not await leave(world, films, user.id)
        assert [one.user_id for one in (await world.groups.members(films.id, limit=9, offset=0)).members] == [other.id]
        assert [one.user_id for one in (await world.groups.members(music.id, limit=9, offset=0)).members] == [user.id]

    async def test_a_deleted_group_leaves_nothing_behind(self, world: World) -> None:
        user, films, music = await world.add_user(), a_group("Films", "guest"), a_group("Music", "user")
        await add(world, films, music)
        for group in (films, music):
            await join(world, group, user.id)
        async with world.uow.begin() as tx:
            await tx.groups.delete(films.id)
        assert (await kept(world, films), await kept(world, music)) == (None, music)
        assert await held(world, user.id) == {"user"}
        await add(world, a_group("Films"))

    async def test_groups_that_carry_a_role_are_known(self, world: World) -> None:
        films, music = a_group("Films", "guest", "user"), a_group("Music", "guest")
        await add(world, music, films)
        async with world.uow.begin() as tx:
            assert await tx.groups.carrying("guest") == tuple(sorted([films.id, music.id]))
            assert await tx.groups.carrying("moderator") == ()

    async def test_somebody_in_a_group_that_carries_admin_is_an_admin(self, world: World) -> None:
        boss, away = await world.add_user(), await world.add_user(is_active=False)
        group = a_group("Bosses", "admin")
        await add(world, group)
        async with world.uow.begin() as tx:
            assert not await tx.roles.has_enabled_admin()
        for user in (boss, away):
            await join(world, group, user.id)
        async with world.uow.begin() as tx:
            assert await tx.roles.has_enabled_admin()
            assert await tx.roles.lock_admins() == {boss.id}

    async def test_nobody_changes_a_locked_group_and_whoever_waited_sees_what_it_became(self, world: World) -> None:
        group = a_group("Counted")
        await add(world, group)

        async def change() -> None:
            async with world.uow.begin() as tx:
                found = await tx.groups.lock(group.id)
                assert found is not None
                roles = found.roles ^ {"guest"}
                assert (found.version % 2 == 1) == ("guest" in found.roles)
                await tx.groups.update(replace(found, version=found.version + 1, roles=roles))

        assert await race(change) == [None] * RACERS
        found = await kept(world, group)
        assert found is not None
        assert found.version == RACERS


class GroupReaderContract(Contract):
    """Fixture: `world`."""

    async def test_groups_are_listed_by_name_page_by_page(self, world: World) -> None:
        groups = [a_group(name, "guest", "user") for name in ("anime", "Films", "music", "Zoo")]
        await add(world, *reversed(groups))
        pages = [await world.groups.find(limit=3, offset=offset) for offset in (0, 3, 6)]
        assert [page.groups for page in pages] == [tuple(groups[:3]), tuple(groups[3:]), ()]
        assert {page.total for page in pages} == {4}

    async def test_members_are_listed_by_user_name_page_by_page_with_how_they_came(self, world: World) -> None:
        group, other = a_group("Films"), a_group("Music")
        await add(world, group, other)
        names = ("Ada", "bob", "Cleo")
        people = [await world.add_user(username=name, username_key=name.lower()) for name in names]
        gone = await world.add_user(deleted_at=NOW, purge_at=NOW)
        sources = (GrantSource.DECLARATIVE, GrantSource.OIDC)
        for user in (*reversed(people), gone):
            for source in reversed(sources):
                await join(world, group, user.id, source)
        await join(world, other, people[0].id)
        pages = [await world.groups.members(group.id, limit=2, offset=offset) for offset in (0, 2, 4)]
        assert [[one.username for one in page.members] for page in pages] == [["Ada", "bob"], ["Cleo"], []]
        assert {page.total for page in pages} == {3}
        assert [(one.user_id, one.memberships) for page in pages for one in page.members] == [
            (user.id, tuple(a_membership(group.id, user.id, source=source) for source in sources)) for user in people
        ]

    async def test_nobody_is_in_a_group_that_does_not_exist(self, world: World) -> None:
        nothing = MemberPage(members=(), total=0)
        assert await world.groups.members(GroupId(an_id()), limit=10, offset=0) == nothing

    async def test_a_purged_account_is_in_no_group(self, world: World) -> None:
        group = a_group("Films")
        await add(world, group)
        gone = await world.add_user(deleted_at=NOW, purge_at=NOW)
        other = await world.add_user()
        await join(world, group, gone.id)
        async with world.uow.begin() as tx:
            await tx.groups.add_member(a_membership(group.id, other.id, added_by=gone.id))
            assert await tx.users.purge(gone.id)
        page = await world.groups.members(group.id, limit=10, offset=0)
        assert [(one.user_id, one.memberships[0].added_by) for one in page.members] == [(other.id, None)]

    async def test_groups_of_a_user_are_told_by_name_once_for_each_source(self, world: World) -> None:
        films, anime, other = a_group("Films", "guest"), a_group("anime"), a_group("Other")
        await add(world, films, anime, other)
        user = await world.add_user()
        for group, source in ((films, GrantSource.OIDC), (anime, GrantSource.MANUAL), (films, GrantSource.MANUAL)):
            await join(world, group, user.id, source)
        found = await world.groups.of_user(user.id)
        assert [(one.group_id, one.group_name, one.source, one.since) for one in found] == [
            (anime.id, "anime", GrantSource.MANUAL, NOW),
            (films.id, "Films", GrantSource.MANUAL, NOW),
            (films.id, "Films", GrantSource.OIDC, NOW),
        ]
        assert await world.groups.of_user(UserId(an_id())) == ()
