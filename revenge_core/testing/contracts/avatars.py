"""What stores of pictures and those who draw them owe."""

import asyncio
from dataclasses import dataclass

import pytest

from revenge_core.ids import AvatarId
from revenge_core.testing.builders import NOW, a_png, an_id
from revenge_core.testing.contracts.world import Contract, World
from revenge_core.users.entities import Avatar, AvatarRules, User
from revenge_core.users.errors import PictureInvalid, PicturesBusy
from revenge_core.users.ports import Pictures


def an_avatar(user: User, version: int = 1) -> Avatar:
    """A picture of the user."""
    return Avatar(
        id=AvatarId(an_id()),
        user_id=user.id,
        key=f"avatars/{an_id().hex}.webp",
        size=12345,
        media_type="image/webp",
        width=640,
        height=480,
        version=version,
        uploaded_at=NOW,
    )


class AvatarStoreContract(Contract):
    """Fixture: `world`."""

    async def test_who_never_had_a_picture_has_none_to_remove(self, world: World) -> None:
        user = await world.add_user()
        async with world.uow.begin() as tx:
            assert await tx.avatars.latest_version(user.id) == 0
            assert await tx.avatars.remove(user.id) is None
            assert await tx.avatars.latest_version(user.id) == 0

    async def test_the_one_before_is_handed_back_as_it_was_kept(self, world: World) -> None:
        user = await world.add_user()
        first, second = an_avatar(user), an_avatar(user, 2)
        async with world.uow.begin() as tx:
            assert await tx.avatars.put(first) is None
        async with world.uow.begin() as tx:
            assert await tx.avatars.put(second) == first
            assert await tx.avatars.latest_version(user.id) == 2
        async with world.uow.begin() as tx:
            assert await tx.avatars.remove(user.id) == second
            assert await tx.avatars.remove(user.id) is None

    async def test_versions_count_on_where_the_picture_is_gone(self, world: World) -> None:
        user = await world.add_user()
        async with world.uow.begin() as tx:
            await tx.avatars.put(an_avatar(user, 7))
            await tx.avatars.remove(user.id)
        async with world.uow.begin() as tx:
            assert await tx.avatars.latest_version(user.id) == 7
            assert await tx.avatars.put(an_avatar(user, 8)) is None

    async def test_keys_in_use_are_those_of_pictures_that_are_shown(self, world: World) -> None:
        ada, eve = await world.add_user(), await world.add_user()
        gone, shown, other = an_avatar(ada), an_avatar(ada, 2), an_avatar(eve)
        async with world.uow.begin() as tx:
            for avatar in (gone, shown, other):
                await tx.avatars.put(avatar)
            await tx.avatars.remove(eve.id)
        async with world.uow.begin() as tx:
            keys = (gone.key, shown.key, other.key, "avatars/nobody.webp")
            assert await tx.avatars.in_use(keys) == {shown.key}
            assert await tx.avatars.in_use(()) == frozenset()


@dataclass(frozen=True, kw_only=True)
class Studio:
    """Somebody who draws, and how to keep them busy."""

    pictures: Pictures
    more_than_wait: int
    """So many at once are too many."""


class PicturesContract(Contract):
    """Fixture: `studio`."""

    async def test_a_picture_is_drawn_anew(self, studio: Studio) -> None:
        upload = a_png(48, 32)
        picture = await studio.pictures.redraw(upload, AvatarRules())
        assert (picture.width, picture.height, picture.media_type) == (48, 32, "image/webp")
        assert picture.content
        assert picture.content not in upload

    @pytest.mark.parametrize("size", [(16, 16), (4096, 16), (16, 4096)])
    async def test_sizes_on_the_edge_are_taken(self, studio: Studio, size: tuple[int, int]) -> None:
        assert (await studio.pictures.redraw(a_png(*size), AvatarRules())).content

    @pytest.mark.parametrize("size", [(15, 16), (16, 15), (4097, 16), (16, 4097), (30_000, 30_000)])
    async def test_sizes_beyond_are_refused(self, studio: Studio, size: tuple[int, int]) -> None:
        with pytest.raises(PictureInvalid) as refused:
            await studio.pictures.redraw(a_png(*size), AvatarRules())
        assert [problem.pointer for problem in refused.value.problems] == ["/file"]

    @pytest.mark.parametrize("upload", [b"", b"no picture", b"<svg/>", b"\x00" * 1000, a_png()[:20]])
    async def test_what_is_no_picture_is_refused(self, studio: Studio, upload: bytes) -> None:
        with pytest.raises(PictureInvalid) as refused:
            await studio.pictures.redraw(upload, AvatarRules())
        assert [problem.pointer for problem in refused.value.problems] == ["/file"]

    async def test_a_kind_that_is_not_allowed_is_refused(self, studio: Studio) -> None:
        with pytest.raises(PictureInvalid):
            await studio.pictures.redraw(a_png(), AvatarRules(media_types=frozenset({"image/webp"})))

    async def test_too_many_at_once_are_put_off(self, studio: Studio) -> None:
        drawing = [studio.pictures.redraw(a_png(), AvatarRules()) for _ in range(studio.more_than_wait)]
        results = await asyncio.gather(*drawing, return_exceptions=True)
        refused = [one for one in results if isinstance(one, PicturesBusy)]
        assert refused
        assert all(one.retry_after for one in refused)
