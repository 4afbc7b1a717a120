import pytest
from msgspec import UNSET
from msgspec.structs import replace

from revenge_adapters import Sandbox
from revenge_core.activity.entities import Action, FieldChange
from revenge_core.actor import Actor
from revenge_core.errors import Unauthenticated
from revenge_core.feed import Change
from revenge_core.users.entities import UserChanges
from revenge_core.users.errors import UserInvalid
from tests.core.people import act, entries, join


async def test_somebody_sees_their_own_account(box: Sandbox) -> None:
    here = await join(box)
    assert await box.revenge.users.me(await act(box, here)) == here.user


async def test_nobody_has_no_account(box: Sandbox) -> None:
    for actor in (Actor.anonymous(), Actor.host()):
        with pytest.raises(Unauthenticated):
            await box.revenge.users.me(actor)
        with pytest.raises(Unauthenticated):
            await box.revenge.users.update_me(actor, UserChanges(display_name="x"))


async def test_defect_33_somebody_deleted_has_no_account_any_more(box: Sandbox) -> None:
    here = await join(box)
    actor = await act(box, here)
    box.rows.users[here.user.id] = replace(here.user, deleted_at=box.clock.now())
    with pytest.raises(Unauthenticated):
        await box.revenge.users.me(actor)
    with pytest.raises(Unauthenticated):
        await box.revenge.users.update_me(actor, UserChanges(display_name="x"))


async def test_what_is_given_changes_and_what_is_absent_stays(box: Sandbox) -> None:
    here = await join(box)
    actor = await act(box, here)
    box.clock.advance(minutes=1)
    named = await box.revenge.users.update_me(actor, UserChanges(display_name="Ada"))
    assert named == replace(here.user, display_name="Ada", updated_at=box.clock.now(), version=1)
    moved = await box.revenge.users.update_me(actor, UserChanges(timezone="Europe/Zurich"))
    assert moved == replace(named, timezone="Europe/Zurich", version=2)
    assert await box.revenge.users.me(actor) == moved


async def test_an_empty_display_name_clears_it(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    await box.revenge.users.update_me(actor, UserChanges(display_name="Ada"))
    assert (await box.revenge.users.update_me(actor, UserChanges(display_name=""))).display_name is None


async def test_a_change_is_audited_field_by_field_and_announced(box: Sandbox) -> None:
    here = await join(box)
    box.changes.clear()
    await box.revenge.users.update_me(await act(box, here), UserChanges(display_name="Ada", timezone="UTC"))
    (entry,) = entries(box, Action.USER_UPDATE)
    assert entry.changes == {"display_name": FieldChange(before=None, after="Ada")}
    assert (entry.actor_id, entry.resource_id) == (here.user.id, here.user.id)
    assert box.changes == [Change.of_user(here.user.id)]


@pytest.mark.parametrize(
    "changes",
    [
        UserChanges(),
        UserChanges(display_name="", timezone="UTC"),
        UserChanges(email="ada@example.org"),
        UserChanges(email="ADA@example.org"),
    ],
)
async def test_what_changes_nothing_leaves_no_trace(box: Sandbox, changes: UserChanges) -> None:
    here = await join(box)
    actor = await act(box, here)
    box.clock.advance(minutes=1)
    before, announced = box.rows, [*box.changes]
    assert await box.revenge.users.update_me(actor, changes) == here.user
    assert (box.rows, box.changes) == (before, announced)


@pytest.mark.parametrize(
    "timezone", ["", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "UTC\n", "x" * 500, "Europe"]
)
async def test_a_time_zone_is_one_of_the_iana_database(box: Sandbox, timezone: str) -> None:
    actor = await act(box, await join(box))
    with pytest.raises(UserInvalid) as refused:
        await box.revenge.users.update_me(actor, UserChanges(timezone=timezone))
    assert [problem.pointer for problem in refused.value.problems] == ["/timezone"]


async def test_defect_33_every_problem_is_named_at_once_and_nothing_changes(box: Sandbox) -> None:
    here = await join(box)
    with pytest.raises(UserInvalid) as refused:
        await box.revenge.users.update_me(
            await act(box, here), UserChanges(display_name="x" * 101 + "\n", timezone="Mars", email=UNSET)
        )
    assert [problem.pointer for problem in refused.value.problems] == ["/display_name", "/display_name", "/timezone"]
    assert box.rows.users[here.user.id] == here.user


async def test_a_login_name_is_compared_in_one_form(box: Sandbox) -> None:
    key = box.revenge.users.key_of
    assert key("ADA") == key("ada") == key("\uff21\uff24\uff21") == "ada"
    assert key("Straße") == key("STRASSE")
