"""What every store and every reader of preferences owes."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from revenge_core.ids import UserId
from revenge_core.testing.builders import an_id
from revenge_core.testing.contracts.world import RACERS, Contract, World, race
from revenge_core.users.entities import (
    DigestFrequency,
    DigestNews,
    MailFrequency,
    MailNews,
    Preferences,
    PushNews,
    Theme,
    Visibility,
)

Make = Callable[..., Preferences]


def full_preferences(user_id: UserId) -> Preferences:
    """Preferences of which none is the default."""
    return Preferences(
        user_id=user_id,
        email_notifications=MailNews(enabled=False, frequency=MailFrequency.WEEKLY),
        push_notifications=PushNews(enabled=True),
        digest_notifications=DigestNews(enabled=False, frequency=DigestFrequency.MONTHLY),
        profile_visibility=Visibility.PUBLIC,
        show_email=True,
        show_activity=False,
        theme=Theme.DARK,
        display_language="de-CH",
        content_language="de-CH,en",
        metadata_language="de",
        show_adult_content=True,
        show_spoilers=True,
        auto_play_videos=False,
        version=7,
    )


class PreferenceStoreContract(Contract):
    """Fixture: `world`."""

    async def test_who_said_nothing_has_the_defaults(self, world: World) -> None:
        user = await world.add_user()
        async with world.uow.begin() as tx:
            assert await tx.preferences.lock(user.id) == Preferences(user_id=user.id)

    async def test_nobody_has_the_defaults(self, world: World) -> None:
        nobody = UserId(an_id())
        async with world.uow.begin() as tx:
            assert await tx.preferences.lock(nobody) == Preferences(user_id=nobody)

    @pytest.mark.parametrize("make", [Preferences, full_preferences], ids=["bare", "full"])
    async def test_preferences_come_back_as_they_were_kept(self, world: World, make: Make) -> None:
        user = await world.add_user()
        wanted = make(user_id=user.id)
        async with world.uow.begin() as tx:
            await tx.preferences.put(wanted)
        async with world.uow.begin() as tx:
            assert await tx.preferences.lock(user.id) == wanted

    async def test_later_ones_take_the_place_of_earlier_ones_and_leave_others_alone(self, world: World) -> None:
        user, other = await world.add_user(), await world.add_user()
        async with world.uow.begin() as tx:
            await tx.preferences.put(full_preferences(user.id))
            await tx.preferences.put(full_preferences(other.id))
            await tx.preferences.put(Preferences(user_id=user.id, theme=Theme.LIGHT, version=8))
        assert await world.preferences.of_user(user.id) == Preferences(user_id=user.id, theme=Theme.LIGHT, version=8)
        assert await world.preferences.of_user(other.id) == full_preferences(other.id)

    async def test_of_many_first_words_none_is_lost(self, world: World) -> None:
        user = await world.add_user()

        async def count() -> None:
            async with world.uow.begin() as tx:
                before = await tx.preferences.lock(user.id)
                await tx.preferences.put(replace(before, version=before.version + 1))

        assert await race(count) == [None] * RACERS
        assert (await world.preferences.of_user(user.id)).version == RACERS


class PreferenceReaderContract(Contract):
    """Fixture: `world`."""

    async def test_who_said_nothing_has_the_defaults(self, world: World) -> None:
        user = await world.add_user()
        assert await world.preferences.of_user(user.id) == Preferences(user_id=user.id)

    async def test_what_was_kept_is_read_at_once(self, world: World) -> None:
        user = await world.add_user()
        async with world.uow.begin() as tx:
            await tx.preferences.put(full_preferences(user.id))
        assert await world.preferences.of_user(user.id) == full_preferences(user.id)
