"""Who sees what of whom (decisions I10, ASVS 8.2.3)."""

import pytest
from msgspec.structs import replace

from revenge_adapters import Sandbox
from revenge_core.actor import Actor
from revenge_core.errors import Unauthenticated
from revenge_core.ids import UserId
from revenge_core.rbac.entities import MEMBER
from revenge_core.testing.builders import an_id
from revenge_core.users.entities import PreferenceChanges, Profile, User, Visibility
from revenge_core.users.errors import UserNotFound
from tests.core.people import act, admin, join


async def show(box: Sandbox, name: str = "ada", **wishes: object) -> User:
    """Somebody who shows this much."""
    here = await join(box, name)
    changes = replace(PreferenceChanges(), **wishes)
    await box.revenge.preferences.change(await act(box, here), changes)
    return here.user


async def test_one_sees_oneself_as_a_whole(box: Sandbox) -> None:
    here = await join(box)
    profile = await box.revenge.users.profile(await act(box, here), here.user.id)
    assert profile == Profile(user=here.user, shows_email=True, shows_everything=True, roles=frozenset({MEMBER}))


async def test_an_administrator_sees_anybody_as_a_whole(box: Sandbox) -> None:
    ada = await show(box, profile_visibility=Visibility.PRIVATE)
    for actor in (await admin(box), Actor.host()):
        profile = await box.revenge.users.profile(actor, ada.id)
        assert profile == Profile(user=ada, shows_email=True, shows_everything=True, roles=frozenset({MEMBER}))


@pytest.mark.asvs("8.2.3")
async def test_a_stranger_sees_who_shows_themselves_and_neither_address_nor_roles(box: Sandbox) -> None:
    ada = await show(box, profile_visibility=Visibility.PUBLIC)
    stranger = await act(box, await join(box, "max"))
    profile = await box.revenge.users.profile(stranger, ada.id)
    assert profile == Profile(user=ada, shows_email=False, shows_everything=False, roles=frozenset())


async def test_defect_21_a_stranger_sees_an_address_only_if_its_owner_shows_it(box: Sandbox) -> None:
    ada = await show(box, profile_visibility=Visibility.PUBLIC, show_email=True)
    stranger = await act(box, await join(box, "max"))
    profile = await box.revenge.users.profile(stranger, ada.id)
    assert (profile.shows_email, profile.shows_everything) == (True, False)


@pytest.mark.parametrize("visibility", [Visibility.PRIVATE, Visibility.FRIENDS])
async def test_whoever_shows_themselves_to_nobody_is_not_there(box: Sandbox, visibility: Visibility) -> None:
    ada = await show(box, profile_visibility=visibility, show_email=True)
    stranger = await act(box, await join(box, "max"))
    with pytest.raises(UserNotFound):
        await box.revenge.users.profile(stranger, ada.id)


async def test_defect_21_whoever_never_said_anything_is_private_and_looking_writes_nothing(box: Sandbox) -> None:
    ada = (await join(box)).user
    stranger = await act(box, await join(box, "max"))
    before = box.rows
    with pytest.raises(UserNotFound):
        await box.revenge.users.profile(stranger, ada.id)
    assert box.rows == before


async def test_nobody_sees_whoever_was_deleted_or_never_was(box: Sandbox) -> None:
    ada = await show(box, profile_visibility=Visibility.PUBLIC)
    now = box.clock.now()
    viewers = [await act(box, await join(box, "max")), await admin(box), Actor.host()]
    box.rows.users[ada.id] = replace(ada, deleted_at=now, purge_at=now)
    for viewer in viewers:
        for user_id in (ada.id, UserId(an_id())):
            with pytest.raises(UserNotFound):
                await box.revenge.users.profile(viewer, user_id)


async def test_strangers_do_not_see_whoever_is_kept_out_and_administrators_do(box: Sandbox) -> None:
    ada = await show(box, profile_visibility=Visibility.PUBLIC)
    stranger, root = await act(box, await join(box, "max")), await admin(box)
    box.rows.users[ada.id] = replace(ada, is_active=False)
    with pytest.raises(UserNotFound):
        await box.revenge.users.profile(stranger, ada.id)
    assert not (await box.revenge.users.profile(root, ada.id)).user.is_active


async def test_nobody_in_particular_sees_nobody(box: Sandbox) -> None:
    ada = await show(box, profile_visibility=Visibility.PUBLIC)
    with pytest.raises(Unauthenticated):
        await box.revenge.users.profile(Actor.anonymous(), ada.id)
