"""What every store of roles owes to those who change them, and to sources that grant them (decisions A1)."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from revenge_core.ids import GroupId, UserId
from revenge_core.rbac.entities import GrantSource, Group, Holding, Membership, Policy, Role, RoleUse
from revenge_core.rbac.errors import RoleExists, RoleNotFound
from revenge_core.rbac.policy import BUILT_IN_ROLES
from revenge_core.testing.builders import NOW, a_grant, an_id, an_invitation
from revenge_core.testing.contracts.world import Contract, World, let_others_run
from revenge_core.users.entities import Listed

CURATOR = Role(
    name="curator",
    description="Looks after films",
    parents=frozenset({"guest", "user"}),
    permissions=frozenset({"*:sync", "movies:*"}),
)


async def add(world: World, role: Role = CURATOR, source: GrantSource = GrantSource.MANUAL) -> None:
    """A new role, committed."""
    async with world.uow.begin() as tx:
        await tx.roles.lock_all()
        await tx.roles.add(role, source)


async def policies_of(world: World, role: str) -> list[tuple[str, GrantSource]]:
    """What the directory says of one role."""
    return [(one.permission, one.source) for one in await world.role_directory.policies() if one.role == role]


class RoleEditingContract(Contract):
    """Fixture: `world`."""

    async def test_a_role_comes_back_as_it_was_added(self, world: World) -> None:
        await add(world)
        everything = tuple(sorted((*BUILT_IN_ROLES, CURATOR), key=lambda role: role.name))
        async with world.uow.begin() as tx:
            assert await tx.roles.all() == await tx.roles.lock_all() == everything
        assert await world.roles.all_roles() == everything

    async def test_a_role_without_anything_is_a_role(self, world: World) -> None:
        await add(world, Role(name="idle"))
        counted = await world.role_directory.role("idle")
        assert counted is not None
        assert (counted.role, counted.user_count) == (Role(name="idle"), 0)
        assert await policies_of(world, "idle") == []

    @pytest.mark.parametrize("name", ["curator", "Curator", "ADMIN"])
    async def test_names_differ_by_more_than_capital_letters(self, world: World, name: str) -> None:
        await add(world)
        with pytest.raises(RoleExists):
            await add(world, Role(name=name))
        assert len(await world.roles.all_roles()) == len(BUILT_IN_ROLES) + 1

    async def test_a_changed_role_keeps_where_its_permissions_came_from(self, world: World) -> None:
        await add(world, source=GrantSource.DECLARATIVE)
        changed = replace(
            CURATOR,
            description="",
            version=3,
            parents=frozenset({"moderator", "user"}),
            permissions=frozenset({"movies:*", "jobs:list"}),
        )
        async with world.uow.begin() as tx:
            await tx.roles.lock_all()
            await tx.roles.update(changed, GrantSource.MANUAL)
        counted = await world.role_directory.role("curator")
        assert counted is not None
        assert counted.role == changed
        assert await policies_of(world, "curator") == [
            ("jobs:list", GrantSource.MANUAL),
            ("movies:*", GrantSource.DECLARATIVE),
        ]

    async def test_what_was_taken_from_a_role_and_given_again_comes_from_who_gave_it_last(self, world: World) -> None:
        await add(world, source=GrantSource.DECLARATIVE)
        for permissions in (frozenset[str](), CURATOR.permissions):
            async with world.uow.begin() as tx:
                await tx.roles.update(replace(CURATOR, permissions=permissions), GrantSource.MANUAL)
        assert {source for _, source in await policies_of(world, "curator")} == {GrantSource.MANUAL}

    async def test_a_new_store_says_that_its_policies_are_built_in(self, world: World) -> None:
        expected = [
            Policy(role=role.name, permission=permission, source=GrantSource.BUILT_IN)
            for role in sorted(BUILT_IN_ROLES, key=lambda role: role.name)
            for permission in sorted(role.permissions)
        ]
        assert list(await world.role_directory.policies()) == expected

    async def test_a_deleted_role_is_gone_with_all_that_it_had(self, world: World) -> None:
        await add(world)
        async with world.uow.begin() as tx:
            await tx.invitations.add(an_invitation(role="curator", revoked_at=NOW))
            await tx.invitations.add(an_invitation(role="user"))
        async with world.uow.begin() as tx:
            await tx.roles.lock_all()
            await tx.roles.lock("curator")
            await tx.roles.delete("curator")
        assert await world.role_directory.role("curator") is None
        assert await policies_of(world, "curator") == []
        left, total = await world.invitations.all(limit=10, offset=0)
        assert ([one.role for one in left], total) == (["user"], 1)
        await add(world, Role(name="curator"))
        assert await policies_of(world, "curator") == []

    async def test_what_is_rolled_back_was_never_there(self, world: World) -> None:
        await add(world)

        async def attempt() -> None:
            async with world.uow.begin() as tx:
                await tx.roles.update(replace(CURATOR, permissions=frozenset({"jobs:*"})), GrantSource.MANUAL)
                await tx.roles.add(Role(name="other", permissions=frozenset({"jobs:*"})), GrantSource.MANUAL)
                raise LookupError

        with pytest.raises(LookupError):
            await attempt()
        assert {permission for permission, _ in await policies_of(world, "curator")} == CURATOR.permissions
        assert await world.role_directory.role("other") is None

    async def test_what_has_to_do_with_a_role_is_counted(self, world: World) -> None:
        await add(world)
        await add(world, Role(name="heir", parents=frozenset({"curator"})))
        ada = await world.add_user("curator")
        gone = await world.add_user("curator", deleted_at=NOW, purge_at=NOW + timedelta(days=1))
        async with world.uow.begin() as tx:
            await tx.roles.grant(a_grant(ada.id, "curator", source=GrantSource.OIDC))
            for over in ({}, {"used": 1}, {"revoked_at": NOW}, {"expires_at": NOW}, {"role": "user"}):
                await tx.invitations.add(an_invitation(**{"role": "curator", **over}))
        async with world.uow.begin() as tx:
            use = await tx.roles.use_of("curator", NOW)
            assert use == RoleUse(holders=1, accounts=2, groups=0, children=1, invitations=1)
            assert await tx.roles.use_of("heir", NOW) == RoleUse(
                holders=0, accounts=0, groups=0, children=0, invitations=0
            )
        assert gone.deleted_at is not None

    async def test_who_changes_roles_waits_for_who_does_already(self, world: World) -> None:
        locked, may_end, order = asyncio.Event(), asyncio.Event(), list[str]()

        async def first() -> None:
            async with world.uow.begin() as tx:
                await tx.roles.lock_all()
                locked.set()
                await may_end.wait()
                await tx.roles.add(CURATOR, GrantSource.MANUAL)
                order.append("first")

        async def second() -> bool:
            await locked.wait()
            async with world.uow.begin() as tx:
                roles = await tx.roles.lock_all()
                order.append("second")
                return CURATOR in roles

        async with asyncio.TaskGroup() as group:
            group.create_task(first())
            sees = group.create_task(second())
            await locked.wait()
            await let_others_run()
            may_end.set()
        assert order == ["first", "second"]
        assert sees.result()

    async def test_a_role_that_is_being_deleted_is_given_to_nobody(self, world: World) -> None:
        await add(world)
        user = await world.add_user()
        locked, may_end = asyncio.Event(), asyncio.Event()

        async def delete() -> None:
            async with world.uow.begin() as tx:
                await tx.roles.lock_all()
                await tx.roles.lock("curator")
                locked.set()
                await may_end.wait()
                await tx.roles.delete("curator")

        async def grant() -> None:
            await locked.wait()
            async with world.uow.begin() as tx:
                await tx.roles.grant(a_grant(user.id, "curator"))

        async with asyncio.TaskGroup() as group:
            group.create_task(delete())
            granting = asyncio.create_task(grant())
            await locked.wait()
            await let_others_run()
            may_end.set()
        with pytest.raises(RoleNotFound):
            await granting


class GrantSourcesContract(Contract):
    """Fixture: `world`. What one source granted, another never takes away."""

    async def test_a_grant_is_new_once_for_each_source(self, world: World) -> None:
        user = await world.add_user()
        async with world.uow.begin() as tx:
            for source in (GrantSource.MANUAL, GrantSource.OIDC):
                assert await tx.roles.grant(a_grant(user.id, "guest", source=source))
                assert not await tx.roles.grant(a_grant(user.id, "guest", source=source, granted_by=user.id))
        holder = await world.role_directory.holder(user.id)
        assert holder is not None
        assert [(way.source, way.given_by) for way in holder.holdings] == [
            (GrantSource.MANUAL, None),
            (GrantSource.OIDC, None),
        ]

    async def test_a_source_takes_what_it_gave_and_no_more(self, world: World) -> None:
        user, other = await world.add_user("guest"), await world.add_user("guest")
        async with world.uow.begin() as tx:
            await tx.roles.grant(a_grant(user.id, "guest", source=GrantSource.OIDC))
        async with world.uow.begin() as tx:
            assert await tx.roles.withdraw(user.id, "guest", GrantSource.MANUAL) == frozenset()
            assert await tx.roles.withdraw(user.id, "guest", GrantSource.OIDC) == {GrantSource.OIDC}
            assert await tx.roles.roles_of(user.id) == {"guest"}
            assert await tx.roles.withdraw(other.id, "user") == frozenset()

    async def test_without_a_source_all_of_them_go(self, world: World) -> None:
        user, other = await world.add_user("guest", "user"), await world.add_user("guest")
        async with world.uow.begin() as tx:
            await tx.roles.grant(a_grant(user.id, "guest", source=GrantSource.OIDC))
            both = {GrantSource.OIDC, GrantSource.REGISTRATION}
            assert await tx.roles.withdraw(user.id, "guest") == both
            assert await tx.roles.roles_of(user.id) == {"user"}
            assert await tx.roles.roles_of(other.id) == {"guest"}

    async def test_what_a_source_says_now_is_all_that_it_grants(self, world: World) -> None:
        user, other = await world.add_user("user", "guest"), await world.add_user()
        async with world.uow.begin() as tx:
            await tx.roles.sync(other.id, GrantSource.OIDC, ["moderator"], NOW)
            given, taken = await tx.roles.sync(user.id, GrantSource.OIDC, ["guest", "moderator", "guest"], NOW)
            assert (sorted(given), sorted(taken)) == (["guest", "moderator"], [])
            given, taken = await tx.roles.sync(user.id, GrantSource.OIDC, ["user", "moderator"], NOW)
            assert (sorted(given), sorted(taken)) == (["user"], ["guest"])
            assert await tx.roles.roles_of(user.id) == {"guest", "moderator", "user"}
            given, taken = await tx.roles.sync(user.id, GrantSource.OIDC, [], NOW)
            assert (sorted(given), sorted(taken)) == ([], ["moderator", "user"])
            assert await tx.roles.roles_of(user.id) == {"guest", "user"}
            assert await tx.roles.roles_of(other.id) == {"moderator"}

    async def test_a_source_that_names_a_role_that_is_not_there_changes_nothing(self, world: World) -> None:
        user = await world.add_user()
        async with world.uow.begin() as tx:
            await tx.roles.sync(user.id, GrantSource.OIDC, ["guest"], NOW)
        async with world.uow.begin() as tx:
            with pytest.raises(RoleNotFound):
                await tx.roles.sync(user.id, GrantSource.OIDC, ["user", "nobody"], NOW)
            assert await tx.roles.roles_of(user.id) == {"guest"}


class RoleDirectoryContract(Contract):
    """Fixture: `world`."""

    async def test_roles_are_listed_by_name_with_how_many_living_users_hold_them(self, world: World) -> None:
        await add(world)
        await add(world, Role(name="Zeta"))
        await world.add_user("curator", "user")
        twice = await world.add_user("curator")
        await world.add_user("curator", deleted_at=NOW, purge_at=NOW)
        async with world.uow.begin() as tx:
            await tx.roles.grant(a_grant(twice.id, "curator", source=GrantSource.OIDC))
        listed = [(one.role.name, one.user_count) for one in await world.role_directory.roles()]
        assert listed == [("Zeta", 0), ("admin", 0), ("curator", 2), ("guest", 0), ("moderator", 0), ("user", 1)]
        assert [one.role for one in await world.role_directory.roles()] == list(await world.roles.all_roles())

    async def test_holders_are_listed_page_by_page_by_name(self, world: World) -> None:
        names = ["Carl", "ada", "bea", "dora"]
        users = {name: await world.add_user("guest", username=name) for name in names}
        await world.add_user("user")
        await world.add_user("guest", deleted_at=NOW, purge_at=NOW)
        async with world.uow.begin() as tx:
            by_hand = a_grant(users["bea"].id, "guest", source=GrantSource.MANUAL, granted_by=users["ada"].id)
            await tx.roles.grant(by_hand)
            await tx.roles.grant(a_grant(users["bea"].id, "user"))
        page = await world.role_directory.holders("guest", limit=2, offset=1)
        assert ([one.username for one in page.holders], page.total) == (["bea", "Carl"], 4)
        ways = [(way.role, way.source, way.given_by, way.since, way.group_id) for way in page.holders[0].holdings]
        assert ways == [
            ("guest", GrantSource.MANUAL, users["ada"].id, NOW, None),
            ("guest", GrantSource.REGISTRATION, None, NOW, None),
        ]
        assert (await world.role_directory.holders("guest", limit=10, offset=4)).holders == ()
        assert (await world.role_directory.holders("nobody", limit=10, offset=0)).total == 0

    async def test_somebody_who_is_not_there_holds_nothing(self, world: World) -> None:
        user = await world.add_user()
        holder = await world.role_directory.holder(user.id)
        assert holder is not None
        assert (holder.username, holder.holdings) == (user.username, ())
        assert await world.role_directory.holder(UserId(an_id())) is None

    async def test_whoever_is_in_a_group_holds_what_it_carries(self, world: World) -> None:
        await add(world)
        ada, bea = await world.add_user("curator", username="ada"), await world.add_user(username="bea")
        group = Group(
            id=GroupId(an_id()),
            name="Club",
            name_key="club",
            roles=frozenset({"curator", "guest"}),
            created_at=NOW,
            updated_at=NOW,
        )
        async with world.uow.begin() as tx:
            await tx.groups.add(group)
            for member in (ada, bea):
                membership = Membership(
                    group_id=group.id, user_id=member.id, source=GrantSource.OIDC, added_at=NOW, added_by=ada.id
                )
                await tx.groups.add_member(membership)
            assert await tx.roles.use_of("curator", NOW) == RoleUse(
                holders=2, accounts=1, groups=1, children=0, invitations=0
            )
        page = await world.role_directory.holders("curator", limit=10, offset=0)
        assert (page.total, [one.username for one in page.holders]) == (2, ["ada", "bea"])
        assert [[way.group_id for way in one.holdings] for one in page.holders] == [[None, group.id], [group.id]]
        assert page.holders[1].holdings == (
            Holding(
                user_id=bea.id,
                role="curator",
                source=GrantSource.OIDC,
                since=NOW,
                given_by=ada.id,
                group_id=group.id,
                group_name="Club",
            ),
        )
        holder = await world.role_directory.holder(ada.id)
        assert holder is not None
        ways = [(way.role, way.group_name) for way in holder.holdings]
        assert ways == [("curator", None), ("curator", "Club"), ("guest", "Club")]
        counted = await world.role_directory.role("curator")
        assert counted is not None
        assert counted.user_count == 2
        async with world.uow.begin() as tx:
            assert await tx.roles.roles_of(ada.id) == {"curator", "guest"}
            assert await tx.users.lock_listed(ada.id) == Listed(user=ada, roles=frozenset({"curator", "guest"}))
            assert await tx.roles.granted_to(ada.id) == {"curator"}
            assert await tx.roles.granted_to(bea.id) == frozenset()
