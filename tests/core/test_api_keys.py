"""Keys are made, shown, narrowed, rotated and revoked by people (decisions A4, rulings R13)."""

from datetime import timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace

from revenge_adapters import Sandbox, sandbox
from revenge_core.activity.entities import Action, FieldChange
from revenge_core.actor import Actor
from revenge_core.apikeys.entities import KeyChanges, KeyRules, KeyScope
from revenge_core.apikeys.errors import (
    KeyIsOver,
    KeyNameTaken,
    KeyNotFound,
    KeySpecInvalid,
    KeyWidened,
    TooManyKeys,
)
from revenge_core.errors import Forbidden, KeyRefused, ReauthRequired, Unauthenticated, VersionMismatch
from revenge_core.feed import Change
from revenge_core.ids import KeyId
from revenge_core.permissions import Permission
from revenge_core.rbac.errors import RoleTooPowerful
from revenge_core.secrets import digest
from revenge_core.testing.builders import an_actor, an_id
from tests.core.keys import ADMIN, READ, WRITE, come, make, works
from tests.core.people import act, admin, entries, join

YEAR = timedelta(days=365)
DAY = timedelta(days=1)


# Making ---------------------------------------------------------------------------------------------------------------


async def test_whoever_signed_in_makes_a_key_that_is_shown_once(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    made = await make(
        box,
        actor,
        " kodi ",
        description="",
        addresses=("10.0.0.0/9", "10.128.0.0/9"),
        libraries=frozenset({UUID(int=1)}),
        rate_limit=60,
        permissions=frozenset({"libraries:scan"}),
        scopes=READ,
    )
    key = made.key
    assert (key.name, key.description, key.addresses, key.version) == ("kodi", None, ("10.0.0.0/8",), 0)
    assert (key.prefix, key.expires_at) == (made.secret.reveal()[:8], box.clock.now() + YEAR)
    assert await box.revenge.api_keys.get(actor, key.id) == key
    assert box.rows.api_keys[key.id].digest == digest(made.secret)
    assert made.secret.reveal() not in repr(made)


async def test_defect_scopes_are_kept_once_each_and_names_are_unique_among_live_keys(box: Sandbox) -> None:
    """platform.md 3.4: neither was so."""
    actor, other = await act(box, await join(box)), await act(box, await join(box, "eve"))
    made = await make(box, actor, "Büro", scopes=frozenset([KeyScope.READ, KeyScope.READ]))
    assert made.key.scopes == READ
    await make(box, other, "Büro")
    with pytest.raises(KeyNameTaken):
        await make(box, actor, "BU\u0308RO")
    await box.revenge.api_keys.revoke(actor, made.key.id)
    await make(box, actor, "Büro")


async def test_all_that_is_wrong_with_a_key_is_said_at_once_and_nothing_is_kept(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    with pytest.raises(KeySpecInvalid) as refused:
        await make(box, actor, "", permissions=frozenset({"movies:fly"}), rate_limit=0, addresses=("here",))
    assert [problem.pointer for problem in refused.value.problems] == [
        "/name",
        "/permissions",
        "/allowed_addresses/0",
        "/rate_limit",
    ]
    assert box.rows.api_keys == {}


async def test_defect_null_means_never_and_no_key_is_born_expired(box: Sandbox) -> None:
    """platform.md 3.4, S2: null was stored as the year 1, and dates in the past were accepted."""
    actor = await act(box, await join(box))
    forever = await make(box, actor, never_expires=True)
    assert forever.key.expires_at is None
    box.clock.advance(days=36_500)
    assert await works(box, forever.secret) == [True]
    later = await act(box, await join(box, "eve"))
    for moment in (box.clock.now(), box.clock.now() - DAY, box.clock.now().replace(year=1)):
        with pytest.raises(KeySpecInvalid) as refused:
            await make(box, later, expires_at=moment)
        assert [problem.pointer for problem in refused.value.problems] == ["/expires_at"]


async def test_where_the_host_does_not_allow_it_no_key_lasts_forever() -> None:
    box = sandbox(key_rules=KeyRules(may_last_forever=False, lifetime=7 * DAY))
    actor = await act(box, await join(box))
    with pytest.raises(KeySpecInvalid):
        await make(box, actor, never_expires=True)
    assert (await make(box, actor)).key.expires_at == box.clock.now() + 7 * DAY


async def test_nobody_has_more_live_keys_than_one_may_have(box: Sandbox) -> None:
    actor, other = await act(box, await join(box)), await act(box, await join(box, "eve"))
    made = [await make(box, actor, f"key {number}") for number in range(9)]
    await make(box, actor, "short", expires_at=box.clock.now() + timedelta(minutes=1))
    await make(box, other)
    with pytest.raises(TooManyKeys):
        await make(box, actor)
    box.clock.advance(minutes=1)
    await make(box, actor, "in place of the one that expired")
    with pytest.raises(TooManyKeys):
        await make(box, actor)
    await box.revenge.api_keys.revoke(actor, made[0].key.id)
    await make(box, actor, "in place of the one that was revoked")


@pytest.mark.asvs("7.5.3")
@pytest.mark.parametrize("wish", [{"scopes": ADMIN}, {"permissions": frozenset({"users:delete"})}])
async def test_a_key_that_reaches_further_than_write_takes_a_recent_proof(
    box: Sandbox, wish: dict[str, object]
) -> None:
    actor = await act(box, await join(box))
    made = await make(box, actor, "kodi", **wish)
    box.clock.advance(minutes=11)
    with pytest.raises(ReauthRequired):
        await make(box, actor, "another", **wish)
    with pytest.raises(ReauthRequired):
        await box.revenge.api_keys.rotate(actor, made.key.id)
    await make(box, actor, "a weaker one", scopes=WRITE)
    await box.revenge.api_keys.revoke(actor, made.key.id)


async def test_defect_a_key_makes_changes_and_shows_no_keys(box: Sandbox) -> None:
    """platform.md 3.1, S1: a key could make more keys."""
    root = await admin(box)
    made = await make(box, root, scopes=ADMIN)
    program = await come(box, made.secret)
    keys = box.revenge.api_keys
    for use in (
        make(box, program),
        keys.list(program),
        keys.list(program, root.user_id),
        keys.get(program, made.key.id),
        keys.change(program, made.key.id, KeyChanges(name="mine")),
        keys.rotate(program, made.key.id),
        keys.revoke(program, made.key.id),
        keys.proposal(program, made.key.id),
    ):
        with pytest.raises(KeyRefused):
            await use
    assert await works(box, made.secret) == [True]


async def test_nobody_manages_no_keys(box: Sandbox) -> None:
    made = await make(box, await act(box, await join(box)))
    keys, nobody = box.revenge.api_keys, Actor.anonymous()
    for use in (
        make(box, nobody),
        keys.list(nobody),
        keys.list(nobody, made.key.user_id),
        keys.get(nobody, made.key.id),
        keys.change(nobody, made.key.id, KeyChanges()),
        keys.rotate(nobody, made.key.id),
        keys.revoke(nobody, made.key.id),
        keys.proposal(nobody, made.key.id),
        make(box, Actor.host()),
    ):
        with pytest.raises(Unauthenticated):
            await use


async def test_whose_account_was_disabled_meanwhile_gets_no_key(box: Sandbox) -> None:
    here = await join(box)
    actor = await act(box, here)
    made = await make(box, actor)
    await box.revenge.administration.disable(await admin(box), here.user.id)
    for use in (make(box, actor, "more"), box.revenge.api_keys.rotate(actor, made.key.id)):
        with pytest.raises(Unauthenticated):
            await use


# Looking --------------------------------------------------------------------------------------------------------------


async def test_somebody_sees_their_own_live_keys_the_newest_first(box: Sandbox) -> None:
    actor, other = await act(box, await join(box)), await act(box, await join(box, "eve"))
    first = await make(box, actor, "first")
    box.clock.advance(seconds=1)
    second = await make(box, actor, "second")
    await make(box, other)
    assert await box.revenge.api_keys.list(actor) == (second.key, first.key)
    await box.revenge.api_keys.revoke(actor, first.key.id)
    assert await box.revenge.api_keys.list(actor) == (second.key,)
    assert [key.name for key in await box.revenge.api_keys.list(actor, every=True)] == ["second", "first"]
    assert (await box.revenge.api_keys.get(actor, first.key.id)).revoked_at == box.clock.now()


async def test_keys_of_others_are_for_who_may_list_them(box: Sandbox) -> None:
    here, eve = await join(box), await act(box, await join(box, "eve"))
    theirs = await make(box, eve)
    actor = await act(box, here)
    with pytest.raises(Forbidden):
        await box.revenge.api_keys.list(actor, eve.user_id)
    with pytest.raises(KeyNotFound):
        await box.revenge.api_keys.get(actor, theirs.key.id)
    for one in (Actor.host(), await admin(box), an_actor(here.user, Permission.APIKEYS_LIST)):
        assert await box.revenge.api_keys.list(one, eve.user_id) == (theirs.key,)
        assert await box.revenge.api_keys.get(one, theirs.key.id) == theirs.key
        with pytest.raises(KeyNotFound):
            await box.revenge.api_keys.get(one, KeyId(an_id()))


# Changing -------------------------------------------------------------------------------------------------------------


async def test_a_key_is_renamed_and_narrowed(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    made = await make(box, actor, scopes=frozenset({KeyScope.READ, KeyScope.WRITE}))
    box.clock.advance(minutes=1)
    box.changes.clear()
    changed = await box.revenge.api_keys.change(
        actor,
        made.key.id,
        KeyChanges(name="box", description="in the cellar", scopes=READ, addresses=("192.0.2.7",), rate_limit=5),
        version=0,
    )
    assert changed == replace(
        made.key,
        name="box",
        description="in the cellar",
        scopes=READ,
        addresses=("192.0.2.7/32",),
        rate_limit=5,
        version=1,
        updated_at=box.clock.now(),
    )
    assert await box.revenge.api_keys.get(actor, made.key.id) == changed
    assert box.changes == [Change.of_key(made.key.id)]
    (entry,) = entries(box, Action.APIKEY_UPDATE)
    assert entry.changes == {
        "name": FieldChange(before="kodi", after="box"),
        "description": FieldChange(before=None, after="in the cellar"),
        "scopes": FieldChange(before="read, write", after="read"),
        "addresses": FieldChange(before=None, after="192.0.2.7/32"),
        "rate_limit": FieldChange(before=None, after=5),
    }
    with pytest.raises(VersionMismatch):
        await box.revenge.api_keys.change(actor, made.key.id, KeyChanges(name="other"), version=0)


async def test_a_change_of_nothing_changes_nothing(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    made = await make(box, actor)
    assert await box.revenge.api_keys.change(actor, made.key.id, KeyChanges(name="kodi", scopes=READ)) == made.key
    assert entries(box, Action.APIKEY_UPDATE) == []


@pytest.mark.parametrize(
    "changes",
    [
        KeyChanges(scopes=WRITE),
        KeyChanges(permissions=frozenset({"users:list"})),
        KeyChanges(scopes=frozenset(), permissions=frozenset({"own:read", "own:write"})),
        KeyChanges(libraries=None),
        KeyChanges(libraries=frozenset({UUID(int=2)})),
        KeyChanges(addresses=None),
        KeyChanges(addresses=("192.0.2.0/23",)),
        KeyChanges(rate_limit=None),
        KeyChanges(rate_limit=61),
    ],
)
async def test_a_key_is_never_widened(box: Sandbox, changes: KeyChanges) -> None:
    actor = await act(box, await join(box))
    made = await make(
        box, actor, libraries=frozenset({UUID(int=1)}), addresses=("192.0.2.0/24",), rate_limit=60, scopes=READ
    )
    with pytest.raises(KeyWidened) as refused:
        await box.revenge.api_keys.change(actor, made.key.id, changes)
    assert len(refused.value.problems) == 1
    assert await box.revenge.api_keys.get(actor, made.key.id) == made.key


async def test_bad_changes_are_refused(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    made, _ = await make(box, actor), await make(box, actor, "taken")
    keys = box.revenge.api_keys
    with pytest.raises(KeySpecInvalid) as refused:
        await keys.change(actor, made.key.id, KeyChanges(name="", rate_limit=0))
    assert [problem.pointer for problem in refused.value.problems] == ["/name", "/rate_limit"]
    with pytest.raises(KeySpecInvalid):
        await keys.change(actor, made.key.id, KeyChanges(scopes=frozenset()))
    with pytest.raises(KeyNameTaken):
        await keys.change(actor, made.key.id, KeyChanges(name="Taken"))
    assert await keys.get(actor, made.key.id) == made.key


async def test_keys_of_others_and_keys_that_are_over_cannot_be_changed(box: Sandbox) -> None:
    actor, root = await act(box, await join(box)), await admin(box)
    made = await make(box, actor, expires_at=box.clock.now() + DAY)
    keys = box.revenge.api_keys
    for stranger, key_id in ((root, made.key.id), (actor, KeyId(an_id()))):
        for use in (
            keys.change(stranger, key_id, KeyChanges(name="mine")),
            keys.rotate(stranger, key_id),
            keys.proposal(stranger, key_id),
        ):
            with pytest.raises(KeyNotFound):
                await use
    box.clock.advance(days=1)
    for use in (keys.change(actor, made.key.id, KeyChanges(name="mine")), keys.rotate(actor, made.key.id)):
        with pytest.raises(KeyIsOver):
            await use


# Rotating -------------------------------------------------------------------------------------------------------------


async def test_after_a_rotation_both_secrets_work_for_a_day(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    first = await make(box, actor)
    box.changes.clear()
    second = await box.revenge.api_keys.rotate(actor, first.key.id)
    assert second.key == replace(
        first.key,
        prefix=second.secret.reveal()[:8],
        previous_until=box.clock.now() + DAY,
        version=1,
        updated_at=box.clock.now(),
    )
    assert await box.revenge.api_keys.get(actor, first.key.id) == second.key
    assert box.changes == [Change.of_key(first.key.id)]
    box.clock.advance(hours=23, minutes=59)
    assert await works(box, first.secret, second.secret) == [True, True]
    box.clock.advance(minutes=1)
    assert await works(box, first.secret, second.secret) == [False, True]


async def test_rotating_again_ends_the_oldest_secret_at_once(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    first = await make(box, actor)
    second = await box.revenge.api_keys.rotate(actor, first.key.id, 7 * DAY)
    third = await box.revenge.api_keys.rotate(actor, first.key.id)
    assert await works(box, first.secret, second.secret, third.secret) == [False, True, True]


async def test_without_an_overlap_the_old_secret_ends_at_once(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    first = await make(box, actor)
    second = await box.revenge.api_keys.rotate(actor, first.key.id, timedelta(0))
    assert await works(box, first.secret, second.secret) == [False, True]
    assert second.key.previous_until is None
    by_default = sandbox(key_rules=KeyRules(overlap=timedelta(0)))
    actor = await act(by_default, await join(by_default))
    first = await make(by_default, actor)
    await by_default.revenge.api_keys.rotate(actor, first.key.id)
    assert await works(by_default, first.secret) == [False]


@pytest.mark.parametrize("overlap", [timedelta(microseconds=-1), timedelta(days=7, microseconds=1), timedelta.max])
async def test_an_overlap_is_at_most_a_week(box: Sandbox, overlap: timedelta) -> None:
    actor = await act(box, await join(box))
    made = await make(box, actor)
    with pytest.raises(KeySpecInvalid) as refused:
        await box.revenge.api_keys.rotate(actor, made.key.id, overlap)
    assert [problem.pointer for problem in refused.value.problems] == ["/overlap"]


# Revoking -------------------------------------------------------------------------------------------------------------


async def test_a_revoked_key_is_over_with_all_its_secrets_and_can_be_revoked_again(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    first = await make(box, actor)
    second = await box.revenge.api_keys.rotate(actor, first.key.id)
    box.changes.clear()
    await box.revenge.api_keys.revoke(actor, first.key.id)
    await box.revenge.api_keys.revoke(actor, first.key.id)
    assert await works(box, first.secret, second.secret) == [False, False]
    assert box.changes == [Change.of_key(first.key.id)]
    (entry,) = entries(box, Action.APIKEY_REVOKE)
    assert (entry.resource_id, entry.resource_key, entry.on_behalf_of) == (first.key.id, "kodi", None)


async def test_who_may_revoke_keys_ends_those_of_others_on_their_behalf(box: Sandbox) -> None:
    eve, root = await act(box, await join(box, "eve")), await admin(box)
    for actor in (root, Actor.host()):
        theirs = await make(box, eve)
        await box.revenge.api_keys.revoke(actor, theirs.key.id)
        assert await works(box, theirs.secret) == [False]
        entry = entries(box, Action.APIKEY_REVOKE)[-1]
        assert (entry.actor_id, entry.on_behalf_of) == (actor.user_id, eve.user_id)


@pytest.mark.asvs("8.2.2")
async def test_nobody_revokes_keys_of_others_without_the_right_or_of_the_stronger(box: Sandbox) -> None:
    here, root = await join(box), await admin(box)
    theirs = await make(box, root)
    with pytest.raises(KeyNotFound):
        await box.revenge.api_keys.revoke(await act(box, here), theirs.key.id)
    with pytest.raises(KeyNotFound):
        await box.revenge.api_keys.revoke(an_actor(here.user, Permission.APIKEYS_LIST), theirs.key.id)
    with pytest.raises(RoleTooPowerful):
        await box.revenge.api_keys.revoke(an_actor(here.user, Permission.APIKEYS_REVOKE), theirs.key.id)
    with pytest.raises(KeyNotFound):
        await box.revenge.api_keys.revoke(root, KeyId(an_id()))
    assert await works(box, theirs.secret) == [True]


async def test_defect_making_rotating_and_revoking_are_in_the_audit_log_without_the_key(box: Sandbox) -> None:
    """platform.md 3.4, S3: none of it was."""
    actor = await act(box, await join(box))
    made = await make(box, actor, permissions=frozenset({"movies:list"}), scopes=READ)
    rotated = await box.revenge.api_keys.rotate(actor, made.key.id, timedelta(hours=1))
    await box.revenge.api_keys.revoke(actor, made.key.id)
    (created,) = entries(box, Action.APIKEY_CREATE)
    assert (created.actor_id, created.resource_type, created.resource_id) == (actor.user_id, "api_key", made.key.id)
    assert created.changes["scopes"] == FieldChange(after="read")
    assert created.changes["permissions"] == FieldChange(after="movies:list")
    (turned,) = entries(box, Action.APIKEY_ROTATE)
    assert turned.changes == {
        "prefix": FieldChange(before=made.key.prefix, after=rotated.key.prefix),
        "overlap_seconds": FieldChange(after=3600),
    }
    log = repr(list(box.rows.activity.values()))
    for secret in (made.secret, rotated.secret):
        assert secret.reveal()[8:] not in log
        assert digest(secret).hex() not in log
