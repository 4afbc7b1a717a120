"""What every store and every reader of API keys owes."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace

from revenge_core.apikeys.entities import (
    ApiKey,
    ExpiringKey,
    KeyPrincipal,
    KeyRight,
    KeyScope,
    KeySighting,
    RecordedRight,
)
from revenge_core.feed import Change
from revenge_core.ids import KeyId
from revenge_core.testing.builders import NOW, a_digest, a_group, a_membership, an_api_key, an_id
from revenge_core.testing.contracts.world import Contract, World
from revenge_core.users.entities import User

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
TICK = timedelta(microseconds=1)
FULL = {
    "description": "the living room\nand the kitchen",
    "scopes": frozenset(KeyScope),
    "permissions": frozenset({"libraries:scan", "own:write"}),
    "libraries": frozenset({UUID(int=1), UUID(int=2)}),
    "addresses": ("192.0.2.0/24", "2001:db8::/32"),
    "rate_limit": 60,
    "recording": True,
}


async def keep(world: World, user: User, digest: bytes | None = None, **changes: object) -> ApiKey:
    """A key of the user, committed."""
    key = an_api_key(user.id, **changes)
    async with world.uow.begin() as tx:
        await tx.api_keys.add(key, digest or a_digest())
    return key


async def see(world: World, *sightings: KeySighting) -> None:
    """Note that keys were used."""
    async with world.uow.begin() as tx:
        await tx.api_keys.mark_seen(sightings)


async def record(world: World, *uses: RecordedRight) -> None:
    """Add to what keys made use of."""
    async with world.uow.begin() as tx:
        await tx.api_keys.add_uses(uses)


async def update(world: World, key: ApiKey) -> None:
    """Change it and tell readers."""
    async with world.uow.begin() as tx:
        await tx.api_keys.update(key)
        tx.feed.publish(Change.of_key(key.id))
    await world.settle()


async def rotate(world: World, key: ApiKey, digest: bytes, until: datetime | None) -> ApiKey:
    """Give it another secret and tell readers."""
    rotated = replace(
        key, prefix="rv_fffff", previous_until=until, version=key.version + 1, updated_at=key.updated_at + DAY
    )
    async with world.uow.begin() as tx:
        await tx.api_keys.rotate(rotated, digest)
        tx.feed.publish(Change.of_key(key.id))
    await world.settle()
    return rotated


def used(key: ApiKey, right: str, uses: int = 1, *, first: datetime = NOW, last: datetime = NOW) -> RecordedRight:
    """The key made use of the right that often."""
    use = KeyRight(right=right, first_used_at=first, last_used_at=last, uses=uses)
    return RecordedRight(key_id=key.id, use=use)


class KeyStoreContract(Contract):
    """Fixture: `world`."""

    @pytest.mark.parametrize("changes", [{}, FULL, {"expires_at": None, "libraries": frozenset[UUID]()}])
    async def test_a_key_comes_back_as_it_was_kept(self, world: World, changes: dict[str, object]) -> None:
        key = await keep(world, await world.add_user(), None, **changes)
        assert await world.api_keys.by_id(key.id) == key
        async with world.uow.begin() as tx:
            assert await tx.api_keys.lock(key.id) == key

    async def test_there_is_no_key_that_was_never_added(self, world: World) -> None:
        await keep(world, await world.add_user())
        assert await world.api_keys.by_id(KeyId(an_id())) is None
        async with world.uow.begin() as tx:
            assert await tx.api_keys.lock(KeyId(an_id())) is None

    async def test_a_change_keeps_secrets_and_last_use(self, world: World) -> None:
        digest, second = a_digest(), a_digest()
        user = await world.add_user()
        key, other = await keep(world, user, digest), await keep(world, user)
        key = await rotate(world, key, second, NOW + DAY)
        await see(world, KeySighting(key_id=key.id, at=NOW, address="192.0.2.7"))
        changed = replace(key, name="other", version=5, updated_at=NOW + DAY, revoked_at=NOW + WEEK, **FULL)
        await update(world, replace(changed, prefix="rv_wrong", previous_until=None))
        kept = replace(changed, last_used_at=NOW, last_used_address="192.0.2.7")
        assert await world.api_keys.by_id(key.id) == kept
        assert await world.api_keys.by_id(other.id) == other
        assert await world.key_principals.principal(digest) is not None
        assert await world.key_principals.principal(second) is not None

    async def test_live_keys_of_a_user_are_neither_revoked_nor_expired(self, world: World) -> None:
        user, other = await world.add_user(), await world.add_user()
        await keep(world, user, revoked_at=NOW)
        await keep(world, user, expires_at=NOW + DAY)
        await keep(world, other)
        live = {(await keep(world, user, expires_at=end)).id for end in (NOW + DAY + TICK, None)}
        async with world.uow.begin() as tx:
            assert {key.id for key in await tx.api_keys.live_of(user.id, NOW + DAY)} == live

    async def test_last_use_never_goes_back_and_keeps_a_known_address(self, world: World) -> None:
        user = await world.add_user()
        key, unseen = await keep(world, user), await keep(world, user)
        await see(world, KeySighting(key_id=key.id, at=NOW + DAY, address="192.0.2.7"))
        await see(world, KeySighting(key_id=key.id, at=NOW, address="192.0.2.8"))
        assert await world.api_keys.by_id(key.id) == replace(key, last_used_at=NOW + DAY, last_used_address="192.0.2.7")
        await see(world, KeySighting(key_id=key.id, at=NOW + WEEK, address=None))
        assert await world.api_keys.by_id(key.id) == replace(
            key, last_used_at=NOW + WEEK, last_used_address="192.0.2.7"
        )
        assert await world.api_keys.by_id(unseen.id) == unseen

    async def test_sightings_of_keys_that_are_gone_disturb_no_others(self, world: World) -> None:
        key = await keep(world, await world.add_user())
        gone = KeyId(an_id())
        await see(
            world,
            KeySighting(key_id=gone, at=NOW, address=None),
            KeySighting(key_id=key.id, at=NOW, address=None),
        )
        assert await world.api_keys.by_id(key.id) == replace(key, last_used_at=NOW)


class KeyUsesContract(Contract):
    """What is kept of the rights that recording keys made use of. Fixture: `world`."""

    async def test_uses_are_added_up(self, world: World) -> None:
        user = await world.add_user()
        key, other = await keep(world, user), await keep(world, user)
        await record(
            world,
            used(key, "own:read", 2, first=NOW, last=NOW + DAY),
            used(key, "movies:list"),
            used(other, "own:read"),
        )
        await record(world, used(key, "own:read", 3, first=NOW - DAY, last=NOW))
        assert await world.api_keys.uses_of(key.id) == (
            KeyRight(right="movies:list", first_used_at=NOW, last_used_at=NOW, uses=1),
            KeyRight(right="own:read", first_used_at=NOW - DAY, last_used_at=NOW + DAY, uses=5),
        )

    async def test_rights_come_in_the_order_of_their_characters(self, world: World) -> None:
        key = await keep(world, await world.add_user())
        await record(world, *(used(key, right) for right in ("own:write", "admin:*", "own:read", "apikeys:list")))
        rights = [use.right for use in await world.api_keys.uses_of(key.id)]
        assert rights == ["admin:*", "apikeys:list", "own:read", "own:write"]

    async def test_uses_of_a_key_that_is_gone_are_left_out(self, world: World) -> None:
        key = await keep(world, await world.add_user())
        gone = an_api_key(key.user_id)
        await record(world, used(gone, "own:read"), used(key, "own:read"))
        assert await world.api_keys.uses_of(gone.id) == ()
        assert len(await world.api_keys.uses_of(key.id)) == 1

    async def test_a_record_can_begin_anew(self, world: World) -> None:
        user = await world.add_user()
        key, other = await keep(world, user), await keep(world, user)
        await record(world, used(key, "own:read"), used(other, "own:read"))
        async with world.uow.begin() as tx:
            await tx.api_keys.forget_uses(key.id)
        assert await world.api_keys.uses_of(key.id) == ()
        assert len(await world.api_keys.uses_of(other.id)) == 1


class KeyUpkeepContract(Contract):
    """What reminders and forgetting go by. Fixture: `world`."""

    async def test_keys_that_expire_soon_come_with_whom_to_tell(self, world: World) -> None:
        user = await world.add_user(email_verified=True, timezone="Europe/Zurich")
        soon = await keep(world, user, created_at=NOW - 10 * DAY, expires_at=NOW + WEEK)
        sooner = await keep(world, user, created_at=NOW - 10 * DAY, expires_at=NOW + TICK)
        await keep(world, user, created_at=NOW - 10 * DAY, expires_at=NOW + WEEK + TICK)
        await keep(world, user, created_at=NOW - 10 * DAY, expires_at=NOW)
        await keep(world, user, created_at=NOW - 10 * DAY, expires_at=NOW + DAY, revoked_at=NOW)
        await keep(world, user, expires_at=None)
        async with world.uow.begin() as tx:
            found = await tx.api_keys.expiring(now=NOW, ahead=WEEK, limit=10)
            assert len(await tx.api_keys.expiring(now=NOW, ahead=WEEK, limit=1)) == 1
        assert found == tuple(
            ExpiringKey(
                key=key, username=user.username, email=user.email, email_verified=True, timezone="Europe/Zurich"
            )
            for key in (sooner, soon)
        )

    async def test_nobody_is_reminded_of_a_key_that_was_made_for_a_few_days(self, world: World) -> None:
        user = await world.add_user()
        await keep(world, user, created_at=NOW, expires_at=NOW + WEEK)
        longer = await keep(world, user, created_at=NOW - TICK, expires_at=NOW + WEEK)
        async with world.uow.begin() as tx:
            assert [one.key for one in await tx.api_keys.expiring(now=NOW, ahead=WEEK, limit=10)] == [longer]

    async def test_owners_who_were_reminded_or_are_not_active_are_left_out(self, world: World) -> None:
        user = await world.add_user()
        told = await keep(world, user, created_at=NOW - 10 * DAY, expires_at=NOW + DAY)
        for changes in ({"is_active": False}, {"deleted_at": NOW, "purge_at": NOW + DAY}):
            away = await world.add_user(**changes)
            await keep(world, away, created_at=NOW - 10 * DAY, expires_at=NOW + DAY)
        async with world.uow.begin() as tx:
            await tx.api_keys.mark_reminded([told.id], NOW)
            assert await tx.api_keys.expiring(now=NOW, ahead=WEEK, limit=10) == ()

    async def test_keys_that_were_over_long_enough_go_with_their_record(self, world: World) -> None:
        user = await world.add_user()
        revoked = await keep(world, user, revoked_at=NOW - TICK)
        expired = await keep(world, user, expires_at=NOW - TICK)
        kept = [
            await keep(world, user, revoked_at=NOW),
            await keep(world, user, expires_at=NOW),
            await keep(world, user, expires_at=None),
        ]
        await record(world, used(revoked, "own:read"), used(kept[0], "own:read"))
        async with world.uow.begin() as tx:
            assert await tx.api_keys.forget_over(before=NOW, limit=1) == 1
        async with world.uow.begin() as tx:
            assert await tx.api_keys.forget_over(before=NOW, limit=10) == 1
            assert await tx.api_keys.forget_over(before=NOW, limit=10) == 0
        for key in (revoked, expired):
            assert await world.api_keys.by_id(key.id) is None
        assert [await world.api_keys.by_id(key.id) for key in kept] == kept
        assert await world.api_keys.uses_of(revoked.id) == ()
        assert len(await world.api_keys.uses_of(kept[0].id)) == 1

    async def test_keys_go_with_their_owner(self, world: World) -> None:
        user = await world.add_user(deleted_at=NOW, purge_at=NOW)
        digest = a_digest()
        key = await keep(world, user, digest)
        await record(world, used(key, "own:read"))
        async with world.uow.begin() as tx:
            assert await tx.users.purge(user.id)
        assert await world.api_keys.by_id(key.id) is None
        assert await world.api_keys.uses_of(key.id) == ()
        assert await world.key_principals.principal(digest) is None


class KeyReaderContract(Contract):
    """Fixture: `world`."""

    async def test_keys_of_a_user_come_newest_first(self, world: World) -> None:
        user, other = await world.add_user(), await world.add_user()
        old = await keep(world, user, created_at=NOW - DAY)
        young = [await keep(world, user) for _ in range(2)]
        await keep(world, other)
        expected = (*sorted(young, key=lambda key: key.id, reverse=True), old)
        assert await world.api_keys.of_user(user.id, live_at=None) == expected
        assert await world.api_keys.of_user(user.id, live_at=NOW) == expected

    async def test_those_that_are_over_are_shown_where_that_is_asked_for(self, world: World) -> None:
        user = await world.add_user()
        live = await keep(world, user)
        over = [await keep(world, user, revoked_at=NOW), await keep(world, user, expires_at=NOW)]
        assert await world.api_keys.of_user(user.id, live_at=NOW) == (live,)
        everything = await world.api_keys.of_user(user.id, live_at=None)
        assert {key.id for key in everything} == {live.id, *(key.id for key in over)}


class KeyPrincipalReaderContract(Contract):
    """Fixture: `world`."""

    async def test_a_key_is_found_by_its_digest_with_the_roles_of_its_owner(self, world: World) -> None:
        user, digest = await world.add_user("user", "moderator"), a_digest()
        key = await keep(world, user, digest, **FULL)
        await keep(world, user)
        assert await world.key_principals.principal(digest) == KeyPrincipal(
            key=key, user_active=True, roles=frozenset({"user", "moderator"}), good_until=key.expires_at
        )

    async def test_an_unknown_digest_is_nobodys(self, world: World) -> None:
        await keep(world, await world.add_user())
        assert await world.key_principals.principal(a_digest()) is None

    @pytest.mark.parametrize("changes", [{"is_active": False}, {"deleted_at": NOW, "purge_at": NOW + DAY}])
    async def test_an_owner_who_is_disabled_or_deleted_is_not_active(
        self, world: World, changes: dict[str, object]
    ) -> None:
        user, digest = await world.add_user(), a_digest()
        await keep(world, user, digest)
        found = await world.key_principals.principal(digest)
        assert found is not None
        assert found.user_active
        await world.update_user(replace(user, **changes))
        found = await world.key_principals.principal(digest)
        assert found is not None
        assert not found.user_active

    async def test_roles_come_through_groups_too_and_change_with_them(self, world: World) -> None:
        user, digest, group = await world.add_user(), a_digest(), a_group("Films", "guest")
        async with world.uow.begin() as tx:
            await tx.groups.add(group)
            await tx.groups.add_member(a_membership(group.id, user.id))
        await keep(world, user, digest)
        found = await world.key_principals.principal(digest)
        assert found is not None
        assert (found.roles, found.groups) == (frozenset({"guest"}), frozenset({group.id}))
        async with world.uow.begin() as tx:
            await tx.groups.update(replace(group, roles=frozenset({"moderator"})))
            tx.feed.publish(Change.of_group(group.id))
        await world.settle()
        found = await world.key_principals.principal(digest)
        assert found is not None
        assert found.roles == frozenset({"moderator"})

    async def test_a_revoked_key_is_found_as_such(self, world: World) -> None:
        user, digest = await world.add_user(), a_digest()
        key = await keep(world, user, digest)
        assert await world.key_principals.principal(digest) is not None
        await update(world, replace(key, revoked_at=NOW))
        found = await world.key_principals.principal(digest)
        assert found is not None
        assert found.key.revoked_at == NOW

    async def test_after_a_rotation_both_secrets_are_known_the_old_one_for_a_while(self, world: World) -> None:
        user, first, second = await world.add_user(), a_digest(), a_digest()
        key = await keep(world, user, first, expires_at=None)
        assert await world.key_principals.principal(first) is not None
        await rotate(world, key, second, NOW + DAY)
        old, new = await world.key_principals.principal(first), await world.key_principals.principal(second)
        assert old is not None
        assert new is not None
        assert old.key == new.key
        assert (old.good_until, new.good_until) == (NOW + DAY, None)

    async def test_an_overlap_does_not_outlive_the_key(self, world: World) -> None:
        user, first, second = await world.add_user(), a_digest(), a_digest()
        key = await keep(world, user, first, expires_at=NOW + DAY)
        await rotate(world, key, second, NOW + WEEK)
        for digest in (first, second):
            found = await world.key_principals.principal(digest)
            assert found is not None
            assert found.good_until == NOW + DAY

    async def test_a_second_rotation_and_one_without_overlap_end_the_old_secret(self, world: World) -> None:
        user, digests = await world.add_user(), [a_digest() for _ in range(4)]
        key = await keep(world, user, digests[0])
        key = await rotate(world, key, digests[1], NOW + DAY)
        key = await rotate(world, key, digests[2], NOW + DAY)
        known = [await world.key_principals.principal(digest) is not None for digest in digests]
        assert known == [False, True, True, False]
        await rotate(world, key, digests[3], None)
        known = [await world.key_principals.principal(digest) is not None for digest in digests]
        assert known == [False, False, False, True]
