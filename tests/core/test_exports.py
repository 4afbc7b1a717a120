import io
import json
import zipfile
from collections.abc import AsyncIterator
from datetime import timedelta
from secrets import token_hex
from typing import Any

import pytest
from msgspec.structs import replace

from revenge_adapters import Sandbox, sandbox
from revenge_adapters.memory.exports import MemoryPersonalData
from revenge_core.accounts.entities import AccountRules, Export, ExportState, NewInvitation
from revenge_core.accounts.errors import ExportNotFound
from revenge_core.accounts.jobs import BuildExport, Purge
from revenge_core.accounts.service.bundle import FIELDS, Sources, bundle
from revenge_core.accounts.service.exports import key_of
from revenge_core.activity.entities import Action
from revenge_core.actor import Actor, Origin
from revenge_core.background import CancelJob, JobState
from revenge_core.errors import ReauthRequired, Unauthenticated
from revenge_core.ids import AvatarId, ExportId
from revenge_core.rbac.entities import NewGroup
from revenge_core.storage.errors import StorageUnavailable
from revenge_core.testing.attempt import Attempt
from revenge_core.testing.builders import an_id
from revenge_core.users.entities import Avatar, PreferenceChanges, Theme, UserChanges
from tests.core.people import KITCHEN, act, admin, entries, join, sign_in

LATER = {Action.USER_EXPORT_DOWNLOAD}
"""What comes after the export is not in it."""


async def export_of(box: Sandbox, actor: Actor) -> Export:
    """Have one made."""
    await box.revenge.exports.ask(actor)
    await box.jobs.run()
    return await box.revenge.exports.latest(actor)


async def content_of(box: Sandbox, actor: Actor) -> bytes:
    async with box.revenge.exports.download(actor) as (_, pieces):
        return b"".join([piece async for piece in pieces])


async def opened(box: Sandbox, actor: Actor) -> dict[str, Any]:
    """What is in the archive, by name; JSON is read."""
    with zipfile.ZipFile(io.BytesIO(await content_of(box, actor))) as archive:
        assert archive.testzip() is None
        return {
            name: json.loads(archive.read(name)) if name.endswith(".json") else archive.read(name)
            for name in archive.namelist()
        }


async def give_picture(box: Sandbox, actor: Actor, content: bytes) -> None:
    user_id = actor.require_user()
    key = f"avatars/{an_id().hex}.webp"

    async def pieces() -> AsyncIterator[bytes]:
        yield content

    await box.storage.put(key, pieces(), media_type="image/webp", max_bytes=10**6)
    box.rows.avatars[user_id] = Avatar(
        id=AvatarId(an_id()),
        user_id=user_id,
        key=key,
        size=len(content),
        media_type="image/webp",
        width=64,
        height=64,
        version=1,
        uploaded_at=box.clock.now(),
    )


async def test_an_export_is_asked_for_made_told_of_and_downloaded(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    await box.revenge.users.update_me(actor, UserChanges(display_name="visit evil.example"))
    await box.jobs.run()
    box.mail.sent.clear()
    asked = await box.revenge.exports.ask(actor)
    assert (asked.state, await box.revenge.exports.latest(actor)) == (ExportState.PENDING, asked)
    with pytest.raises(ExportNotFound):
        await content_of(box, actor)
    await box.jobs.run()
    ready = await box.revenge.exports.latest(actor)
    content = await content_of(box, actor)
    assert (ready.id, ready.state, ready.size) == (asked.id, ExportState.READY, len(content))
    assert ready.expires_at == box.clock.now() + timedelta(days=7)
    (mail,) = box.mail.sent
    assert mail.email.to == "ada@example.org"
    assert "evil" not in mail.email.text.reveal()
    for action in (Action.USER_EXPORT, Action.USER_EXPORT_DOWNLOAD):
        (entry,) = entries(box, action)
        assert (entry.actor_id, entry.resource_id, entry.resource_key) == (asked.user_id, asked.user_id, str(asked.id))


async def test_it_holds_what_is_known_of_its_owner(box: Sandbox) -> None:
    here = await join(box)
    actor = await act(box, here, KITCHEN)
    await box.revenge.users.update_me(actor, UserChanges(display_name="Ada"))
    await box.revenge.preferences.change(actor, PreferenceChanges(theme=Theme.DARK))
    await give_picture(box, actor, b"a picture" * 10_000)
    group = await box.revenge.groups.create(Actor.host(), NewGroup(name="Films"))
    await box.revenge.groups.add_member(Actor.host(), group.id, here.user.id)
    await export_of(box, actor)
    found = await opened(box, actor)
    account = found["account.json"]
    assert (account["account"]["email"], account["account"]["display_name"]) == ("ada@example.org", "Ada")
    assert account["preferences"]["theme"] == "dark"
    assert [grant["role"] for grant in account["roles"]] == ["user"]
    assert account["groups"] == [{"group_name": "Films", "source": "manual", "since": "2026-01-01T12:00:00Z"}]
    assert [session["id"] for session in found["sessions.json"]] == [str(here.session.id)]
    assert [device["id"] for device in found["devices.json"]] == [str(here.session.device_id)]
    assert found["picture.webp"] == b"a picture" * 10_000
    assert found["invitations.json"] == []
    deeds = found["activity.json"]
    own = [entry for entry in box.rows.activity.values() if entry.actor_id == here.user.id]
    assert {deed["id"] for deed in deeds} == {str(entry.id) for entry in own if entry.action not in LATER}
    change = next(deed for deed in deeds if deed["action"] == "user.update")
    assert change["changes"]["display_name"] == {"before": None, "after": "Ada"}


async def test_many_deeds_are_all_in_it(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    for number in range(450):
        await box.revenge.users.update_me(actor, UserChanges(display_name=f"Ada {number}"))
    await export_of(box, actor)
    deeds = (await opened(box, actor))["activity.json"]
    names = [deed["changes"]["display_name"]["after"] for deed in deeds if deed["action"] == "user.update"]
    assert names == [f"Ada {number}" for number in reversed(range(450))]


async def test_it_is_written_in_pieces_and_is_never_in_memory_as_a_whole(box: Sandbox) -> None:
    here = await join(box)
    for number in range(600):
        # what random digits say cannot be compressed, so there is a lot to pass on
        origin = Origin(user_agent=f"{number} {token_hex(250)}")
        await box.revenge.users.update_me(await act(box, here, origin), UserChanges(display_name=str(number)))
    person = await MemoryPersonalData(box.tables).person(here.user.id)
    assert person
    sources = Sources(data=MemoryPersonalData(box.tables), activity=box.revenge.activity, storage=box.storage)
    pieces = [piece async for piece in bundle(person, sources, box.clock.now())]
    assert len(pieces) > 2
    assert max(map(len, pieces)) < 128 * 1024
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        assert len(json.loads(archive.read("activity.json"))) > 600


async def test_made_twice_it_is_one_file_and_one_mail(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    ready = await export_of(box, actor)
    files, mails = dict(box.storage.files), len(box.mail.sent)
    await box.revenge.exports.build(BuildExport(export_id=ready.id), Attempt())
    await box.jobs.run()
    assert (box.storage.files, len(box.mail.sent)) == (files, mails)


async def test_neither_secrets_nor_other_people_are_in_it(box: Sandbox) -> None:
    root = await admin(box)
    eve = await join(box, "eve")
    invited = await box.revenge.invitations.create(root, NewInvitation(email="max@example.net"))
    await box.revenge.administration.disable(root, eve.user.id)
    ada = await join(box)
    for actor in (root, await act(box, ada)):
        await export_of(box, actor)
        whole = repr(await opened(box, actor))
        own = actor.require_user()
        for credential in box.rows.credentials.values():
            assert credential.password_hash.reveal() not in whole
        for token in box.rows.refresh_tokens.values():
            assert token.token_hash.hex() not in whole
        for user in box.rows.users.values():
            for secret in (user.email, f"'{user.username}'") if user.id != own else ():
                assert secret not in whole
        for secret in (invited.token.reveal(), invited.invitation.token_hash.hex(), "max@example.net"):
            assert secret not in whole
        for secret in ("password_hash", "token_hash", "salt", "fingerprint", "epoch"):
            assert f"'{secret}'" not in whole


def test_every_field_of_what_is_exported_is_in_it_or_known_to_be_left_out() -> None:
    left_out = {
        "User": {"username_key", "email_key", "avatar_url", "epoch", "version", "deleted_at", "purge_at", "may_return"},
        "RoleGrant": {"user_id", "granted_by"},
        "Belonging": {"group_id"},
        "Preferences": {"user_id", "version"},
        "Session": {"user_id", "epoch", "level"},
        "Device": {"user_id", "fingerprint"},
        "ApiKey": {"user_id", "version"},
        "Entry": {"actor_kind", "actor_id", "on_behalf_of", "salt"},
        "Invitation": {"token_hash", "email", "created_by"},
    }
    for kind, named in FIELDS.items():
        assert {*kind.__struct_fields__} - {*named} == left_out[kind.__name__]
        assert {*named} <= {*kind.__struct_fields__}


async def test_asking_needs_a_recent_proof_and_so_does_downloading(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    await export_of(box, actor)
    box.clock.advance(minutes=11)
    with pytest.raises(ReauthRequired):
        await box.revenge.exports.ask(actor)
    with pytest.raises(ReauthRequired):
        await content_of(box, actor)
    assert (await box.revenge.exports.latest(actor)).state is ExportState.READY
    assert not entries(box, Action.USER_EXPORT_DOWNLOAD)


async def test_nobody_has_no_export(box: Sandbox) -> None:
    for actor in (Actor.anonymous(), Actor.host()):
        for use_case in (box.revenge.exports.ask, box.revenge.exports.latest):
            with pytest.raises(Unauthenticated):
                await use_case(actor)
        with pytest.raises(Unauthenticated):
            await content_of(box, actor)
    actor = await act(box, await join(box))
    with pytest.raises(ExportNotFound):
        await box.revenge.exports.latest(actor)
    with pytest.raises(ExportNotFound):
        await content_of(box, actor)


async def test_somebody_deleted_asks_for_nothing(box: Sandbox) -> None:
    here = await join(box)
    actor, now = await act(box, here), box.clock.now()
    box.rows.users[here.user.id] = replace(here.user, deleted_at=now, purge_at=now)
    with pytest.raises(Unauthenticated):
        await box.revenge.exports.ask(actor)
    assert not box.rows.exports


async def test_an_export_is_ones_own(box: Sandbox) -> None:
    await export_of(box, await act(box, await join(box)))
    other = await act(box, await join(box, "max"))
    with pytest.raises(ExportNotFound):
        await box.revenge.exports.latest(other)
    with pytest.raises(ExportNotFound):
        await content_of(box, other)


async def test_what_is_being_made_or_fresh_is_not_made_again(box: Sandbox) -> None:
    here = await join(box)
    actor = await act(box, here)
    asked = await box.revenge.exports.ask(actor)
    assert await box.revenge.exports.ask(actor) == asked
    await box.jobs.run()
    box.clock.advance(hours=23, minutes=59)
    actor = await act(box, await sign_in(box))
    assert (await box.revenge.exports.ask(actor)).id == asked.id
    assert len(entries(box, Action.USER_EXPORT)) == 1


async def test_a_later_export_takes_the_place_of_the_one_before_and_of_its_file(box: Sandbox) -> None:
    first = await export_of(box, await act(box, await join(box)))
    box.clock.advance(days=1)
    second = await export_of(box, await act(box, await sign_in(box)))
    assert first.id != second.id
    assert [*box.storage.files] == [key_of(second.id)]


async def test_what_does_not_come_in_a_day_has_failed_and_can_be_asked_for_again(box: Sandbox) -> None:
    here = await join(box)
    first = await box.revenge.exports.ask(await act(box, here))
    box.clock.advance(days=1)
    actor = await act(box, await sign_in(box))
    assert (await box.revenge.exports.latest(actor)).state is ExportState.FAILED
    second = await box.revenge.exports.ask(actor)
    assert second.id != first.id
    await box.jobs.run()
    assert (await box.revenge.exports.latest(actor)).state is ExportState.READY
    assert [*box.storage.files] == [key_of(second.id)]


async def test_an_export_expires_and_its_file_goes(box: Sandbox) -> None:
    here = await join(box)
    ready = await export_of(box, await act(box, here))
    box.clock.advance(days=6, hours=23)
    await box.revenge.accounts.purge(Purge(), Attempt())
    assert len(box.storage.files) == 1
    box.clock.advance(hours=1)
    actor = await act(box, await sign_in(box))
    assert (await box.revenge.exports.latest(actor)).state is ExportState.EXPIRED
    with pytest.raises(ExportNotFound):
        await content_of(box, actor)
    await box.revenge.accounts.purge(Purge(), Attempt())
    assert not box.storage.files
    gone = await box.revenge.exports.latest(actor)
    assert (gone.state, gone.size, gone.key) == (ExportState.EXPIRED, None, None)
    assert (await box.revenge.exports.ask(actor)).id != ready.id


async def test_what_expires_while_the_storage_is_away_is_removed_later(box: Sandbox) -> None:
    await export_of(box, await act(box, await join(box)))
    box.clock.advance(days=8)
    box.storage.is_away = True
    with pytest.raises(StorageUnavailable):
        await box.revenge.exports.expire()
    box.storage.is_away = False
    assert await box.revenge.exports.expire() == 1
    assert await box.revenge.exports.expire() == 0
    assert not box.storage.files


async def test_a_file_that_is_gone_is_not_there(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    await export_of(box, actor)
    box.storage.files.clear()
    with pytest.raises(ExportNotFound):
        await content_of(box, actor)
    assert not entries(box, Action.USER_EXPORT_DOWNLOAD)


async def test_what_is_too_long_fails_at_once_and_says_so() -> None:
    box = sandbox(account_rules=AccountRules(export_max_bytes=100))
    actor = await act(box, await join(box))
    export = await export_of(box, actor)
    assert (export.state, export.key, export.size) == (ExportState.FAILED, None, None)
    assert not box.storage.files
    (job,) = [job for job in box.rows.jobs.values() if job.kind == "accounts_export"]
    assert job.state is JobState.DISCARDED


async def test_while_the_storage_is_away_it_is_tried_again_and_then_fails(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    asked = await box.revenge.exports.ask(actor)
    box.storage.is_away = True
    with pytest.raises(StorageUnavailable):
        await box.revenge.exports.build(BuildExport(export_id=asked.id), SecondOfThree())
    assert (await box.revenge.exports.latest(actor)).state is ExportState.PENDING
    with pytest.raises(StorageUnavailable):
        await box.revenge.exports.build(BuildExport(export_id=asked.id), Attempt())
    assert (await box.revenge.exports.latest(actor)).state is ExportState.FAILED
    box.storage.is_away = False
    await box.revenge.exports.build(BuildExport(export_id=asked.id), Attempt())  # an administrator tries again
    assert (await box.revenge.exports.latest(actor)).state is ExportState.READY


class SecondOfThree(Attempt):
    """There is one more."""

    @property
    def max_attempts(self) -> int:
        return 2


async def test_an_export_that_nobody_wants_any_more_leaves_no_file(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    left = await export_of(box, actor)
    box.rows.exports.clear()
    await box.revenge.exports.build(BuildExport(export_id=left.id), Attempt())
    assert not box.storage.files


@pytest.mark.asvs("8.3.3")
async def test_somebody_deleted_meanwhile_gets_no_export(box: Sandbox) -> None:
    here = await join(box)
    asked = await box.revenge.exports.ask(await act(box, here))
    now = box.clock.now()
    box.rows.users[here.user.id] = replace(here.user, deleted_at=now, purge_at=now)
    with pytest.raises(CancelJob):
        await box.revenge.exports.build(BuildExport(export_id=asked.id), Attempt())
    assert box.rows.exports[here.user.id].state is ExportState.FAILED
    assert not box.storage.files


async def test_one_that_was_replaced_while_it_was_made_leaves_no_file(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor = await act(box, await join(box))
    asked = await box.revenge.exports.ask(actor)
    put = box.storage.put

    async def put_and_replace(*arguments: Any, **more: Any) -> object:  # noqa: ANN401 (as the real one)
        file = await put(*arguments, **more)
        box.rows.exports[asked.user_id] = replace(asked, id=ExportId(an_id()))
        return file

    monkeypatch.setattr(box.storage, "put", put_and_replace)
    attempt = Attempt()
    await box.revenge.exports.build(BuildExport(export_id=asked.id), attempt)
    assert not box.storage.files
    assert box.rows.exports[asked.user_id].state is ExportState.PENDING


async def test_an_address_that_cannot_be_written_to_keeps_nobody_from_their_data(box: Sandbox) -> None:
    here = await join(box)
    box.rows.users[here.user.id] = replace(here.user, email="two words@example.org")
    assert (await export_of(box, await act(box, here))).state is ExportState.READY


async def test_a_picture_that_is_gone_keeps_nobody_from_the_rest(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    await give_picture(box, actor, b"a picture")
    box.storage.files.clear()
    await export_of(box, actor)
    assert "picture.webp" not in await opened(box, actor)
