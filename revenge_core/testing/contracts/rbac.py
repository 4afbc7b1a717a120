"""What every store and every reader of roles owes."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from revenge_core.ids import UserId
from revenge_core.permissions import ALL_PERMISSIONS, NO_PERMISSIONS
from revenge_core.rbac.entities import GrantSource
from revenge_core.rbac.errors import RoleNotFound
from revenge_core.rbac.policy import BUILT_IN_ROLES, compile_index
from revenge_core.testing.builders import NOW, a_grant, an_id
from revenge_core.testing.contracts.world import RACERS, Contract, World, race


async def has_enabled_admin(world: World) -> bool:
    """What the store says in a transaction of its own."""
    async with world.uow.begin() as tx:
        return await tx.roles.has_enabled_admin()


async def roles_of(world: World, user_id: UserId) -> frozenset[str]:
    """What the store says in a transaction of its own."""
    async with world.uow.begin() as tx:
        return await tx.roles.roles_of(user_id)


class RoleStoreContract(Contract):
    """Fixture: `world`."""

    async def test_a_user_holds_the_roles_that_were_granted(self, world: World) -> None:
        user, other = await world.add_user("user", "moderator"), await world.add_user("guest")
        assert await roles_of(world, user.id) == {"user", "moderator"}
        assert await roles_of(world, other.id) == {"guest"}

    async def test_somebody_unknown_holds_no_role(self, world: World) -> None:
        await world.add_user("user")
        assert await roles_of(world, UserId(an_id())) == frozenset()

    async def test_granting_again_changes_nothing(self, world: World) -> None:
        user = await world.add_user("user")
        async with world.uow.begin() as tx:
            await tx.roles.grant(a_grant(user.id, "user", source=GrantSource.MANUAL, granted_by=user.id))
        assert await roles_of(world, user.id) == {"user"}

    async def test_many_may_grant_the_same_at_once(self, world: World) -> None:
        user = await world.add_user()

        async def grant() -> None:
            async with world.uow.begin() as tx:
                await tx.roles.grant(a_grant(user.id, "user"))

        assert await race(grant) == [None] * RACERS
        assert await roles_of(world, user.id) == {"user"}

    @pytest.mark.parametrize("role", ["no-such-role", "Admin", ""])
    async def test_a_role_that_does_not_exist_cannot_be_granted(self, world: World, role: str) -> None:
        user = await world.add_user("user")
        with pytest.raises(RoleNotFound):
            async with world.uow.begin() as tx:
                await tx.roles.grant(a_grant(user.id, role))
        assert await roles_of(world, user.id) == {"user"}

    async def test_an_empty_store_has_no_admin(self, world: World) -> None:
        assert not await has_enabled_admin(world)

    async def test_other_roles_make_no_admin(self, world: World) -> None:
        await world.add_user("user", "moderator")
        assert not await has_enabled_admin(world)

    async def test_an_admin_counts_while_living_and_active(self, world: World) -> None:
        admin = await world.add_user("admin")
        assert await has_enabled_admin(world)
        await world.update_user(replace(admin, is_active=False))
        assert not await has_enabled_admin(world)
        await world.update_user(admin)
        assert await has_enabled_admin(world)
        await world.update_user(replace(admin, deleted_at=NOW, purge_at=NOW + timedelta(days=1)))
        assert not await has_enabled_admin(world)

    async def test_replacing_leaves_exactly_these_roles_and_those_held_before_as_they_were(self, world: World) -> None:
        user, other = await world.add_user("user", "guest"), await world.add_user("guest")
        grants = [a_grant(user.id, role, source=GrantSource.MANUAL) for role in ("user", "moderator")]
        async with world.uow.begin() as tx:
            await tx.roles.replace_all(user.id, grants)
        assert await roles_of(world, user.id) == {"user", "moderator"}
        assert await roles_of(world, other.id) == {"guest"}
        async with world.uow.begin() as tx:
            await tx.roles.replace_all(user.id, [])
        assert await roles_of(world, user.id) == frozenset()

    async def test_replacing_with_a_role_that_does_not_exist_changes_nothing(self, world: World) -> None:
        user = await world.add_user("user")
        async with world.uow.begin() as tx:
            with pytest.raises(RoleNotFound):
                await tx.roles.replace_all(user.id, [a_grant(user.id, "moderator"), a_grant(user.id, "no-such-role")])
        assert await roles_of(world, user.id) == {"user"}

    async def test_admins_who_are_locked_are_those_who_live_and_are_active(self, world: World) -> None:
        first, second = await world.add_user("admin"), await world.add_user("admin", "user")
        await world.add_user("user")
        await world.add_user("admin", is_active=False)
        await world.add_user("admin", deleted_at=NOW, purge_at=NOW)
        async with world.uow.begin() as tx:
            assert await tx.roles.lock_admins() == {first.id, second.id}

    async def test_of_many_who_would_take_the_last_admin_but_one_one_does(self, world: World) -> None:
        admins = [await world.add_user("admin") for _ in range(2)]

        async def disable_one() -> bool:
            async with world.uow.begin() as tx:
                left = await tx.roles.lock_admins()
                if len(left) < len(admins):
                    return False
                await tx.users.update(replace(admins[0], is_active=False))
                return True

        assert sorted(await race(disable_one), key=bool) == [False] * (RACERS - 1) + [True]
        assert await has_enabled_admin(world)


class RoleReaderContract(Contract):
    """Fixture: `world`."""

    async def test_a_new_store_holds_the_built_in_roles_by_name(self, world: World) -> None:
        assert await world.roles.all_roles() == tuple(sorted(BUILT_IN_ROLES, key=lambda role: role.name))

    async def test_the_index_is_compiled_from_every_role(self, world: World) -> None:
        index, expected = await world.roles.index(), compile_index(BUILT_IN_ROLES)
        names = [frozenset({role.name}) for role in BUILT_IN_ROLES]
        assert [index.permissions_of(name) for name in names] == [expected.permissions_of(name) for name in names]
        assert index.permissions_of(frozenset({"admin"})) == ALL_PERMISSIONS

    async def test_an_unknown_role_carries_nothing(self, world: World) -> None:
        index = await world.roles.index()
        assert index.permissions_of(frozenset({"no-such-role"})) == NO_PERMISSIONS
