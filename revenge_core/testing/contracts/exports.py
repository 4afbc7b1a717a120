"""What every store and every reader of exports owes, and of what exports are made of."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from revenge_core.accounts.entities import Export, ExportState
from revenge_core.ids import AvatarId, ExportId, UserId
from revenge_core.rbac.entities import ADMIN, MEMBER, GrantSource
from revenge_core.sessions.entities import EndReason
from revenge_core.testing.builders import (
    NOW,
    a_device,
    a_digest,
    a_group,
    a_membership,
    a_session,
    an_api_key,
    an_id,
    an_invitation,
)
from revenge_core.testing.contracts.preferences import full_preferences
from revenge_core.testing.contracts.world import Contract, World
from revenge_core.users.entities import Avatar, Preferences, User

LATER = NOW + timedelta(days=7)


def an_export(user: User, **changes: object) -> Export:
    """An export that was asked for a moment ago."""
    export_id = ExportId(an_id())
    export = Export(
        id=export_id,
        user_id=user.id,
        state=ExportState.PENDING,
        requested_at=NOW,
        key=f"exports/{export_id.hex}.zip",
    )
    return replace(export, **changes)


def a_ready_export(user: User, **changes: object) -> Export:
    """An export that can be downloaded for a week."""
    made = an_export(user, state=ExportState.READY, finished_at=NOW, expires_at=LATER, size=2**40)
    return replace(made, **changes)


async def put(world: World, *exports: Export) -> None:
    """Keep them, in one transaction."""
    async with world.uow.begin() as tx:
        for export in exports:
            await tx.exports.put(export)


class ExportStoreContract(Contract):
    """Fixture: `world`."""

    @pytest.mark.parametrize("make", [an_export, a_ready_export], ids=["bare", "full"])
    async def test_an_export_comes_back_as_it_was_kept(self, world: World, make: Callable[[User], Export]) -> None:
        export = make(await world.add_user())
        await put(world, export)
        async with world.uow.begin() as tx:
            assert await tx.exports.lock(export.id) == export
            assert await tx.exports.of_user(export.user_id) == export

    async def test_a_user_has_one_export_the_latest(self, world: World) -> None:
        user, other = await world.add_user(), await world.add_user()
        first, second, others = a_ready_export(user), an_export(user), an_export(other)
        await put(world, first, others, second)
        async with world.uow.begin() as tx:
            assert await tx.exports.lock(first.id) is None
            assert await tx.exports.of_user(user.id) == second
            assert await tx.exports.of_user(other.id) == others

    async def test_there_is_none_that_was_never_asked_for(self, world: World) -> None:
        async with world.uow.begin() as tx:
            assert await tx.exports.lock(ExportId(an_id())) is None
            assert await tx.exports.of_user(UserId(an_id())) is None

    async def test_due_is_what_has_a_file_and_expired_the_longest_due_first(self, world: World) -> None:
        people = [await world.add_user() for _ in range(5)]
        expired = [a_ready_export(people[n], expires_at=LATER - timedelta(hours=n)) for n in range(3)]
        gone = a_ready_export(people[3], key=None)
        await put(world, *expired, gone, an_export(people[4]))
        async with world.uow.begin() as tx:
            assert await tx.exports.due(by=LATER, limit=10) == tuple(reversed(expired))
            assert await tx.exports.due(by=LATER, limit=2) == (expired[2], expired[1])
            assert await tx.exports.due(by=LATER - timedelta(microseconds=1), limit=10) == (expired[2], expired[1])


class ExportReaderContract(Contract):
    """Fixture: `world`."""

    async def test_the_latest_export_is_found_by_its_user(self, world: World) -> None:
        user, other = await world.add_user(), await world.add_user()
        first, second = an_export(user), a_ready_export(user)
        await put(world, first, second)
        assert await world.exports.of_user(user.id) == second
        assert await world.exports.of_user(other.id) is None


class PersonalDataContract(Contract):
    """Fixture: `world`."""

    async def test_a_person_is_an_account_with_its_roles_preferences_and_picture(self, world: World) -> None:
        user = await world.add_user(MEMBER, ADMIN)
        await world.add_user(MEMBER)
        avatar = Avatar(
            id=AvatarId(an_id()),
            user_id=user.id,
            key="avatars/1.webp",
            size=4711,
            media_type="image/webp",
            width=64,
            height=64,
            version=1,
            uploaded_at=NOW,
        )
        async with world.uow.begin() as tx:
            await tx.preferences.put(full_preferences(user.id))
            await tx.avatars.put(avatar)
        person = await world.personal_data.person(user.id)
        assert person is not None
        assert (person.user, person.preferences, person.avatar) == (user, full_preferences(user.id), avatar)
        assert [(grant.role, grant.user_id) for grant in person.roles] == [(ADMIN, user.id), (MEMBER, user.id)]

    async def test_a_person_is_in_groups_once_for_each_source_by_name(self, world: World) -> None:
        user, other = await world.add_user(), await world.add_user()
        films, anime = a_group("Films", "guest"), a_group("anime")
        async with world.uow.begin() as tx:
            for group in (films, anime):
                await tx.groups.add(group)
            for source in (GrantSource.OIDC, GrantSource.MANUAL):
                await tx.groups.add_member(a_membership(films.id, user.id, source=source))
            await tx.groups.add_member(a_membership(anime.id, user.id))
            await tx.groups.add_member(a_membership(anime.id, other.id))
        person = await world.personal_data.person(user.id)
        assert person is not None
        assert person.groups == await world.groups.of_user(user.id)
        assert [(one.group_id, one.group_name, one.source, one.since) for one in person.groups] == [
            (anime.id, "anime", GrantSource.MANUAL, NOW),
            (films.id, "Films", GrantSource.MANUAL, NOW),
            (films.id, "Films", GrantSource.OIDC, NOW),
        ]
        assert person.roles == ()

    async def test_a_person_may_have_said_and_shown_nothing(self, world: World) -> None:
        user = await world.add_user()
        person = await world.personal_data.person(user.id)
        assert person is not None
        nothing = ((), (), Preferences(user_id=user.id), None)
        assert (person.roles, person.groups, person.preferences, person.avatar) == nothing

    async def test_a_picture_that_was_removed_is_not_found(self, world: World) -> None:
        user = await world.add_user()
        async with world.uow.begin() as tx:
            await tx.avatars.remove(user.id)
        person = await world.personal_data.person(user.id)
        assert person is not None
        assert person.avatar is None

    async def test_nobody_and_somebody_deleted_are_no_persons(self, world: World) -> None:
        user = await world.add_user()
        await world.update_user(replace(user, deleted_at=LATER, purge_at=LATER))
        assert await world.personal_data.person(user.id) is None
        assert await world.personal_data.person(UserId(an_id())) is None

    async def test_sessions_and_devices_are_those_of_the_user_ended_ones_included(self, world: World) -> None:
        user, other = await world.add_user(), await world.add_user()
        async with world.uow.begin() as tx:
            device = (await tx.sessions.put_device(a_device(user.id))).device
            second = (await tx.sessions.put_device(a_device(user.id))).device
            sessions = [a_session(device), a_session(second, ended_at=LATER, end_reason=EndReason.LOGOUT)]
            for session in sessions:
                await tx.sessions.add(session)
        await world.add_session(other)
        assert [one async for one in world.personal_data.sessions(user.id)] == sessions
        assert [one async for one in world.personal_data.devices(user.id)] == [device, second]

    async def test_invitations_are_those_that_the_user_made(self, world: World) -> None:
        user, other = await world.add_user(), await world.add_user()
        made = [an_invitation(created_by=user.id), an_invitation(created_by=user.id, revoked_at=LATER)]
        async with world.uow.begin() as tx:
            for invitation in (*made, an_invitation(created_by=other.id), an_invitation()):
                await tx.invitations.add(invitation)
        assert [one async for one in world.personal_data.invitations(user.id)] == made

    async def test_keys_are_those_of_the_user_live_or_over(self, world: World) -> None:
        user, other = await world.add_user(), await world.add_user()
        keys = [an_api_key(user.id), an_api_key(user.id, revoked_at=LATER)]
        async with world.uow.begin() as tx:
            for key in (*keys, an_api_key(other.id)):
                await tx.api_keys.add(key, a_digest())
        assert [one async for one in world.personal_data.api_keys(user.id)] == keys

    async def test_lists_that_are_longer_than_a_part_are_whole(self, world: World) -> None:
        user = await world.add_user()
        made = [an_invitation(created_by=user.id) for _ in range(1001)]
        async with world.uow.begin() as tx:
            for invitation in made:
                await tx.invitations.add(invitation)
        assert [one async for one in world.personal_data.invitations(user.id)] == made
