import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from revenge_adapters import Sandbox
from revenge_core.activity.entities import Action, FieldChange
from revenge_core.actor import Actor
from revenge_core.errors import Unauthenticated, VersionMismatch
from revenge_core.users.entities import (
    DigestFrequency,
    DigestNews,
    MailFrequency,
    MailNews,
    PreferenceChanges,
    Preferences,
    Theme,
    Visibility,
)
from revenge_core.users.errors import PreferencesInvalid
from tests.core.people import act, entries, join


async def test_defect_21_looking_at_preferences_writes_nothing(box: Sandbox) -> None:
    here = await join(box)
    before = box.rows
    assert await box.revenge.preferences.mine(await act(box, here)) == Preferences(user_id=here.user.id)
    assert box.rows == before


async def test_nobody_has_no_preferences(box: Sandbox) -> None:
    for actor in (Actor.anonymous(), Actor.host()):
        with pytest.raises(Unauthenticated):
            await box.revenge.preferences.mine(actor)
        with pytest.raises(Unauthenticated):
            await box.revenge.preferences.change(actor, PreferenceChanges(show_email=True))


async def test_defect_33_whoever_was_deleted_changes_nothing(box: Sandbox) -> None:
    here = await join(box)
    actor = await act(box, here)
    box.rows.users[here.user.id] = replace(here.user, deleted_at=box.clock.now(), purge_at=box.clock.now())
    with pytest.raises(Unauthenticated):
        await box.revenge.preferences.change(actor, PreferenceChanges(show_email=True))


async def test_defect_31_first_words_leave_the_defaults_of_all_that_was_not_said(box: Sandbox) -> None:
    here = await join(box)
    actor = await act(box, here)
    wanted = await box.revenge.preferences.change(actor, PreferenceChanges(theme=Theme.DARK))
    assert wanted == Preferences(user_id=here.user.id, theme=Theme.DARK, version=1)
    assert await box.revenge.preferences.mine(actor) == wanted


async def test_what_is_absent_stays(box: Sandbox) -> None:
    here = await join(box)
    actor, change = await act(box, here), box.revenge.preferences.change
    await change(actor, PreferenceChanges(theme=Theme.DARK, display_language="de-CH"))
    after = await change(actor, PreferenceChanges(profile_visibility=Visibility.PUBLIC))
    assert after == Preferences(
        user_id=here.user.id,
        theme=Theme.DARK,
        display_language="de-CH",
        profile_visibility=Visibility.PUBLIC,
        version=2,
    )


async def test_a_notifications_object_is_replaced_as_a_whole(box: Sandbox) -> None:
    actor, change = await act(box, await join(box)), box.revenge.preferences.change
    await change(actor, PreferenceChanges(email_notifications=MailNews(frequency=MailFrequency.WEEKLY)))
    after = await change(actor, PreferenceChanges(email_notifications=MailNews(enabled=False)))
    assert after.email_notifications == MailNews(enabled=False, frequency=MailFrequency.INSTANT)


async def test_a_change_is_audited_value_by_value(box: Sandbox) -> None:
    here = await join(box)
    digest = DigestNews(enabled=True, frequency=DigestFrequency.MONTHLY)
    changes = PreferenceChanges(digest_notifications=digest, show_email=True, theme=Theme.SYSTEM)
    await box.revenge.preferences.change(await act(box, here), changes)
    (entry,) = entries(box, Action.USER_PREFERENCES_UPDATE)
    assert entry.changes == {
        "digest_notifications.frequency": FieldChange(before="weekly", after="monthly"),
        "show_email": FieldChange(before=False, after=True),
    }
    assert (entry.actor_id, entry.resource_id) == (here.user.id, here.user.id)


@pytest.mark.parametrize("changes", [PreferenceChanges(), PreferenceChanges(theme=Theme.SYSTEM, show_email=False)])
async def test_what_changes_nothing_leaves_no_trace(box: Sandbox, changes: PreferenceChanges) -> None:
    here = await join(box)
    actor, before = await act(box, here), box.rows
    assert await box.revenge.preferences.change(actor, changes) == Preferences(user_id=here.user.id)
    assert box.rows == before


@pytest.mark.parametrize(
    "tag",
    ["en", "EN", "de-CH", "zh-Hant-TW", "es-419", "sl-rozaj-biske", "de-DE-u-co-phonebk", "en-x-us", "yue", "zh-cmn"],
)
async def test_languages_are_tags_of_bcp_47(box: Sandbox, tag: str) -> None:
    actor = await act(box, await join(box))
    changes = PreferenceChanges(display_language=tag, content_language=tag, metadata_language=tag)
    after = await box.revenge.preferences.change(actor, changes)
    assert {after.display_language, after.content_language, after.metadata_language} == {tag}


@pytest.mark.parametrize(
    "tag",
    [
        "",
        " ",
        "e",
        "en_US",
        "en-",
        "-en",
        "en--US",
        "en\n",
        "deutsch und mehr",
        "e" * 36,
        "en" + "-abcde" * 9,
        "\u212aa",
    ],
)
async def test_defect_31_languages_that_are_none_are_all_named_at_once(box: Sandbox, tag: str) -> None:
    here = await join(box)
    changes = PreferenceChanges(display_language=tag, content_language=f"en,{tag}", metadata_language=tag)
    with pytest.raises(PreferencesInvalid) as refused:
        await box.revenge.preferences.change(await act(box, here), changes)
    pointers = sorted(problem.pointer for problem in refused.value.problems)
    assert pointers == ["/content_language", "/display_language", "/metadata_language"]
    assert box.rows.preferences == {}


@pytest.mark.parametrize(("given", "kept"), [("", ""), ("  ", ""), ("de-CH, en ,fr", "de-CH,en,fr")])
async def test_a_list_of_languages_is_kept_without_blanks(box: Sandbox, given: str, kept: str) -> None:
    actor = await act(box, await join(box))
    await box.revenge.preferences.change(actor, PreferenceChanges(content_language="it"))
    after = await box.revenge.preferences.change(actor, PreferenceChanges(content_language=given))
    assert after.content_language == kept


@pytest.mark.parametrize("tags", [",".join(["en"] * 21), "x" * 1_000_000, "," * 1_000_000])
async def test_a_list_of_languages_has_an_end(box: Sandbox, tags: str) -> None:
    actor = await act(box, await join(box))
    with pytest.raises(PreferencesInvalid):
        await box.revenge.preferences.change(actor, PreferenceChanges(content_language=tags))


async def test_of_two_changes_of_different_fields_at_once_both_survive(box: Sandbox) -> None:
    actor, change = await act(box, await join(box)), box.revenge.preferences.change
    wishes: list[dict[str, Any]] = [{"theme": Theme.DARK}, {"show_spoilers": True}, {"display_language": "de"}]
    await asyncio.gather(*(change(actor, PreferenceChanges(**wish)) for wish in wishes))
    after = await box.revenge.preferences.mine(actor)
    assert (after.theme, after.show_spoilers, after.display_language, after.version) == (Theme.DARK, True, "de", 3)


async def test_of_two_changes_of_the_same_version_at_once_one_is_refused(box: Sandbox) -> None:
    actor, change = await act(box, await join(box)), box.revenge.preferences.change
    outcomes = await asyncio.gather(
        change(actor, PreferenceChanges(theme=Theme.DARK), version=0),
        change(actor, PreferenceChanges(theme=Theme.LIGHT), version=0),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, VersionMismatch) for outcome in outcomes) == 1
    assert (await box.revenge.preferences.mine(actor)).version == 1
