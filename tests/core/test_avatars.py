"""Pictures of accounts: what changes with one, and what is left behind where something breaks."""

import pytest

from revenge_adapters.wiring.sandbox import Sandbox
from revenge_core.activity.entities import Action, FieldChange
from revenge_core.actor import Actor
from revenge_core.errors import DatabaseUnavailable, Unauthenticated
from revenge_core.feed import Change
from revenge_core.ids import UserId
from revenge_core.permissions import Permission
from revenge_core.storage.errors import StoredFileNotFound
from revenge_core.testing.builders import a_png, a_user, an_actor
from revenge_core.testing.contracts.storage import content_of, put
from revenge_core.users.entities import AvatarRules, User
from revenge_core.users.errors import AvatarNotFound, PictureInvalid
from revenge_core.users.jobs import SweepAvatars
from tests.core.people import register


@pytest.fixture
async def ada(box: Sandbox) -> Actor:
    return an_actor(await register(box), Permission.PROFILE_UPDATE)


def account(box: Sandbox, actor: Actor) -> User:
    return box.rows.users[UserId(actor.require_user())]


async def test_an_account_shows_its_picture(box: Sandbox, ada: Actor) -> None:
    before, announced = account(box, ada), len(box.changes)
    box.clock.advance(hours=1)
    avatar = await box.revenge.avatars.upload(ada, a_png())
    after = account(box, ada)
    assert after.avatar_url == f"/api/v1/files/{avatar.key}"
    assert after.version == before.version + 1
    assert after.updated_at == avatar.uploaded_at == box.clock.now()
    assert box.changes[announced:] == [Change.of_user(after.id)]
    assert await content_of(box.storage, avatar.key) == b"drawn 48x32"


async def test_what_was_done_is_in_the_log(box: Sandbox, ada: Actor) -> None:
    avatar = await box.revenge.avatars.upload(ada, a_png())
    await box.revenge.avatars.delete(ada)
    told = {entry.action: entry for entry in box.rows.activity.values() if "avatar" in entry.action}
    url = f"/api/v1/files/{avatar.key}"
    assert told[Action.AVATAR_UPLOAD].changes == {"avatar_url": FieldChange(before=None, after=url)}
    assert told[Action.AVATAR_DELETE].changes == {"avatar_url": FieldChange(before=url, after=None)}
    assert {entry.resource_id for entry in told.values()} == {ada.user_id}


async def test_a_key_says_nothing_and_is_never_used_again(box: Sandbox, ada: Actor) -> None:
    keys = {(await box.revenge.avatars.upload(ada, a_png())).key for _ in range(5)}
    assert len(keys) == 5
    assert all(len(key) == len("avatars/") + 32 + len(".webp") for key in keys)
    assert not any(str(ada.user_id).replace("-", "") in key for key in keys)


async def test_an_upload_that_is_too_long_is_not_even_looked_at(box: Sandbox, ada: Actor) -> None:
    box.pictures.busy = True
    with pytest.raises(PictureInvalid) as refused:
        await box.revenge.avatars.upload(ada, bytes(AvatarRules().max_bytes + 1))
    assert [problem.pointer for problem in refused.value.problems] == ["/file"]


async def test_nobody_and_those_who_are_gone_have_no_picture(box: Sandbox) -> None:
    for actor in (Actor.anonymous(), an_actor(a_user(), Permission.PROFILE_UPDATE)):
        with pytest.raises(Unauthenticated):
            await box.revenge.avatars.upload(actor, a_png())
        with pytest.raises(Unauthenticated):
            await box.revenge.avatars.delete(actor)
    assert box.rows.avatars == {}


async def test_there_has_to_be_a_picture_to_be_deleted(box: Sandbox, ada: Actor) -> None:
    before = account(box, ada)
    with pytest.raises(AvatarNotFound):
        await box.revenge.avatars.delete(ada)
    assert account(box, ada) == before


async def test_files_of_other_kinds_are_not_shown(box: Sandbox) -> None:
    await put(box.storage, "exports/ada.zip", b"private", media_type="application/zip")
    for key in ("exports/ada.zip", "avatars/../exports/ada.zip", "avatars", ""):
        with pytest.raises(StoredFileNotFound):
            async with box.revenge.avatars.read(key):
                pass


async def test_a_picture_is_shown_even_if_the_one_before_cannot_be_removed(
    box: Sandbox, ada: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await box.revenge.avatars.upload(ada, a_png())
    drawn = type(box.tables).draft

    def and_then_away(tables: object) -> object:
        box.storage.is_away = True  # between the file and the commit
        return drawn(box.tables)

    monkeypatch.setattr(type(box.tables), "draft", and_then_away)
    second = await box.revenge.avatars.upload(ada, a_png())
    monkeypatch.undo()
    box.storage.is_away = False
    assert account(box, ada).avatar_url == f"/api/v1/files/{second.key}"
    assert box.storage.files.keys() == {first.key, second.key}
    box.clock.advance(days=2)
    await sweep(box)
    assert box.storage.files.keys() == {second.key}


async def test_what_was_kept_before_a_commit_that_failed_is_swept_up(
    box: Sandbox, ada: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = await box.revenge.avatars.upload(ada, a_png())

    def fail(_tables: object) -> None:
        raise DatabaseUnavailable

    monkeypatch.setattr(type(box.tables), "draft", fail)
    with pytest.raises(DatabaseUnavailable):
        await box.revenge.avatars.upload(ada, a_png(64, 64))
    monkeypatch.undo()
    assert len(box.storage.files) == 2
    await sweep(box)
    assert len(box.storage.files) == 2, "it might be an upload that goes on"
    box.clock.advance(days=1, seconds=1)
    await sweep(box)
    assert box.storage.files.keys() == {shown.key}


async def test_sweeping_leaves_other_files_alone(box: Sandbox) -> None:
    await put(box.storage, "exports/ada.zip", b"private", media_type="application/zip")
    for number in range(3):
        await put(box.storage, f"avatars/{number}.webp", b"old")
    box.clock.advance(days=2)
    await sweep(box)
    assert box.storage.files.keys() == {"exports/ada.zip"}


async def sweep(box: Sandbox) -> None:
    async with box.revenge.avatars._uow.begin() as tx:
        await tx.jobs.enqueue(SweepAvatars())
    await box.jobs.run()
