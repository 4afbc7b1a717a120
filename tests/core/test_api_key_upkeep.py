"""What becomes of keys by themselves: reminders, forgetting, the export of one's data, the end of an account."""

import json
import zipfile
from datetime import timedelta
from io import BytesIO

import pytest
from msgspec.structs import replace

from revenge_adapters import Sandbox, sandbox
from revenge_core.actor import KeyUse
from revenge_core.apikeys.entities import KeyRules
from revenge_core.apikeys.jobs import KeyMaintenance
from revenge_core.jobs.errors import JobLost
from revenge_core.mail.entities import MailRules
from revenge_core.testing.attempt import Attempt
from tests.core.keys import come, make
from tests.core.people import act, admin, join
from tests.core.post import mailed, prove

DAY = timedelta(days=1)
ADDRESS = "ada@example.org"


async def maintain(box: Sandbox) -> Attempt:
    attempt = Attempt()
    await box.revenge.api_keys.maintain(KeyMaintenance(), attempt)
    return attempt


async def test_owners_are_reminded_once_a_week_before(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    await mailed(box, ADDRESS)
    prove(box, ADDRESS)
    made = await make(box, actor, "kodi", expires_at=box.clock.now() + 30 * DAY)
    box.clock.advance(days=22, hours=23)
    assert (await maintain(box)).is_completed
    assert await mailed(box, ADDRESS) == []
    box.clock.advance(hours=1)
    for _ in range(3):
        await maintain(box)
        box.clock.advance(hours=1)
    (message,) = await mailed(box, ADDRESS)
    text = message.email.text.reveal()
    assert f"kodi ({made.key.prefix}…)" in text
    assert "2026-01-31 12:00 UTC" in text
    assert made.secret.reveal() not in text


async def test_what_somebody_calls_a_key_is_not_mailed_to_an_address_that_nobody_proved(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    await mailed(box, ADDRESS)
    made = await make(box, actor, "cheap pills at example.net", expires_at=box.clock.now() + 8 * DAY)
    box.clock.advance(days=2)
    await maintain(box)
    (message,) = await mailed(box, ADDRESS)
    assert f"{made.key.prefix}…" in message.email.text.reveal()
    assert "pills" not in message.email.text.reveal() + message.email.subject


async def test_where_no_mail_is_sent_nobody_counts_as_reminded() -> None:
    box = sandbox(mail_rules=MailRules(is_on=False), key_rules=KeyRules(reminded_before=3 * DAY))
    actor = await act(box, await join(box))
    made = await make(box, actor, expires_at=box.clock.now() + 8 * DAY)
    box.clock.advance(days=6)
    await maintain(box)
    assert box.rows.api_keys[made.key.id].reminded_at is None


async def test_an_address_that_cannot_be_written_to_keeps_no_mail_from_others(box: Sandbox) -> None:
    for name in ("ada", "eve"):
        await make(box, await act(box, await join(box, name)), expires_at=box.clock.now() + 8 * DAY)
    (ada,) = [user for user in box.rows.users.values() if user.username == "ada"]
    box.rows.users[ada.id] = replace(ada, email="nobody can write to this")
    for name in ("ada", "eve"):
        await mailed(box, f"{name}@example.org")
    box.clock.advance(days=2)
    await maintain(box)
    assert len(await mailed(box, "eve@example.org")) == 1
    assert all(stored.reminded_at is not None for stored in box.rows.api_keys.values())


async def test_keys_that_were_over_for_ninety_days_are_forgotten(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    revoked = await make(box, actor, "revoked")
    expired = await make(box, actor, "expired", expires_at=box.clock.now() + DAY)
    live = await make(box, actor, "live", never_expires=True)
    await box.revenge.api_keys.revoke(actor, revoked.key.id)
    box.clock.advance(days=90)
    await maintain(box)
    assert set(box.rows.api_keys) == {revoked.key.id, expired.key.id, live.key.id}
    box.clock.advance(seconds=1)
    await maintain(box)
    assert set(box.rows.api_keys) == {expired.key.id, live.key.id}
    box.clock.advance(days=1)
    await maintain(box)
    assert set(box.rows.api_keys) == {live.key.id}


async def test_defect_forgetting_is_scheduled(box: Sandbox) -> None:
    """platform.md 3.4, S3: the clean-up was there, and nobody called it."""
    actor = await act(box, await join(box))
    made = await make(box, actor)
    await box.revenge.api_keys.revoke(actor, made.key.id)
    box.clock.advance(days=91)
    await box.jobs.run()
    assert box.rows.api_keys == {}


async def test_an_attempt_that_was_lost_leaves_the_rest_to_the_next(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("revenge_core.apikeys.service.upkeep.BATCH", 1)
    actor = await act(box, await join(box))
    await mailed(box, ADDRESS)
    for name in ("a", "b", "c"):
        await make(box, actor, name, expires_at=box.clock.now() + 8 * DAY)
    box.clock.advance(days=2)
    with pytest.raises(JobLost):
        await box.revenge.api_keys.maintain(KeyMaintenance(), Attempt(lost_after=1))
    assert [stored.reminded_at is None for stored in box.rows.api_keys.values()].count(True) == 1
    await maintain(box)
    assert len(await mailed(box, ADDRESS)) == 3


async def test_an_export_holds_keys_without_what_they_are_known_by(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    made = await make(box, actor, "kodi", recording=True)
    over = await make(box, actor, "old")
    await box.revenge.api_keys.revoke(actor, over.key.id)
    await make(box, await act(box, await join(box, "eve")), "hers")
    await box.revenge.exports.ask(actor)
    await box.jobs.run()
    async with box.revenge.exports.download(actor) as (_, content):
        archive = zipfile.ZipFile(BytesIO(b"".join([piece async for piece in content])))
    told = json.loads(archive.read("api_keys.json"))
    assert [(key["name"], key["prefix"], key["scopes"]) for key in told] == [
        ("kodi", made.key.prefix, ["read"]),
        ("old", over.key.prefix, ["read"]),
    ]
    assert "digest" not in told[0]
    assert box.rows.api_keys[made.key.id].digest.hex() not in str(told)


async def test_defect_20_keys_and_what_they_used_go_with_their_account(box: Sandbox) -> None:
    here = await join(box)
    actor = await act(box, here)
    made = await make(box, actor, recording=True)
    (await come(box, made.secret)).require_user()
    await box.revenge.api_keys.write_sightings()
    await box.revenge.administration.delete(await admin(box), here.user.id)
    box.clock.advance(days=31)
    await box.jobs.run()
    assert here.user.id not in box.rows.users
    assert (box.rows.api_keys, box.rows.api_key_uses) == ({}, {})


def test_what_an_actor_carries_of_a_key_is_no_secret() -> None:
    assert not {"digest", "secret", "key_hash"} & set(KeyUse.__struct_fields__)
