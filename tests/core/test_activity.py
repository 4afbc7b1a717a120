import pytest

from revenge_adapters import Sandbox
from revenge_adapters.memory.uow import MemoryUnitOfWork
from revenge_core.activity.entities import Action, Entry, FieldChange, Resource
from revenge_core.activity.errors import CursorInvalid
from revenge_core.activity.jobs import MakeMonths
from revenge_core.actor import Actor
from revenge_core.errors import Forbidden, Invalid, Unauthenticated
from revenge_core.ids import UserId
from revenge_core.permissions import Permission
from revenge_core.testing.attempt import Attempt
from revenge_core.testing.builders import an_actor, an_id
from revenge_core.users.entities import UserChanges
from tests.core.people import act, admin, join, register


async def walk(box: Sandbox, actor: Actor, limit: int) -> list[Entry]:
    """Every page, one after the other."""
    walked: list[Entry] = []
    cursor: str | None = None
    while True:
        page = await box.revenge.audit_reading.find(actor, limit=limit, cursor=cursor)
        walked += (one.entry for one in page.entries)
        cursor = page.next_cursor
        if cursor is None:
            return walked
        assert len(page.entries) == limit


async def test_who_may_read_the_log_sees_everything_the_newest_first(box: Sandbox) -> None:
    for name in ("ada", "eve"):
        await join(box, name)
        box.clock.advance(seconds=1)
    auditor = an_actor(await register(box, "max"), Permission.AUDIT_READ, Permission.USERS_GET)
    expected = sorted(box.rows.activity.values(), key=lambda entry: (entry.created_at, entry.id), reverse=True)
    for actor in (auditor, Actor.host(), await admin(box)):
        page = await box.revenge.audit_reading.find(actor, limit=200)
        assert [one.entry for one in page.entries if one.entry in expected] == expected
        assert page.next_cursor is None


async def test_who_may_not_read_the_log_sees_nothing_of_it(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    for refused, error in ((Actor.anonymous(), Unauthenticated), (actor, Forbidden)):
        for ask in (box.revenge.audit_reading.find, box.revenge.audit_reading.summary):
            with pytest.raises(error):
                await ask(refused)


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 199, 200])
async def test_pages_together_hold_every_entry_once(box: Sandbox, limit: int) -> None:
    for number in range(6):
        await register(box, f"ada-{number}")
    walked = await walk(box, Actor.host(), limit)
    assert len(walked) == len({entry.id for entry in walked}) == 6
    assert walked == list(reversed(box.rows.activity.values()))


async def test_a_page_that_ends_exactly_with_the_list_has_no_next_one(box: Sandbox) -> None:
    for number in range(2):
        await register(box, f"ada-{number}")
    assert (await box.revenge.audit_reading.find(Actor.host(), limit=2)).next_cursor is None
    assert (await box.revenge.audit_reading.find(Actor.host(), limit=1)).next_cursor is not None


async def test_what_is_written_meanwhile_does_not_shift_the_next_page(box: Sandbox) -> None:
    for number in range(4):
        await register(box, f"ada-{number}")
    first = await box.revenge.audit_reading.find(Actor.host(), limit=2)
    await register(box, "late")
    second = await box.revenge.audit_reading.find(Actor.host(), limit=2, cursor=first.next_cursor)
    assert [one.entry.resource_key for one in (*first.entries, *second.entries)] == ["ada-3", "ada-2", "ada-1", "ada-0"]


@pytest.mark.parametrize("limit", [-1, 0, 201, 10**9])
async def test_a_page_has_from_1_to_200_entries(box: Sandbox, limit: int) -> None:
    with pytest.raises(Invalid) as refused:
        await box.revenge.audit_reading.find(Actor.host(), limit=limit)
    assert [problem.pointer for problem in refused.value.problems] == ["/limit"]


@pytest.mark.parametrize(
    "cursor", ["x", "0", "\ud800", "0.", f"0.{0:032x}x", f"{10**20}.{0:032x}", f"0.{0:032x}" + " " * 40]
)
async def test_a_cursor_that_is_none_is_refused(box: Sandbox, cursor: str) -> None:
    with pytest.raises(CursorInvalid):
        await box.revenge.audit_reading.find(Actor.host(), cursor=cursor)


async def test_a_cursor_outlives_its_entry(box: Sandbox) -> None:
    for number in range(3):
        await register(box, f"ada-{number}")
    page = await box.revenge.audit_reading.find(Actor.host(), limit=2)
    del box.rows.activity[page.entries[-1].entry.id]
    rest = await box.revenge.audit_reading.find(Actor.host(), limit=2, cursor=page.next_cursor)
    assert [one.entry.resource_key for one in rest.entries] == ["ada-0"]


async def test_every_entry_has_a_salt_of_its_own(box: Sandbox) -> None:
    await join(box)
    salts = [entry.salt for entry in box.rows.activity.values()]
    assert len(set(salts)) == len(salts)
    assert {len(salt) for salt in salts} == {16}


async def test_months_are_prepared_ahead(box: Sandbox) -> None:
    for _ in range(2):
        attempt = Attempt()
        await box.revenge.activity.make_months(MakeMonths(), attempt)
        assert attempt.is_completed
        now = box.clock.now()
        assert f"{now:%Y-%m}" in box.rows.activity_months
        box.clock.advance(days=31)
    assert len(box.rows.activity_months) == 4


async def test_what_is_ones_own_is_what_one_did_also_for_who_may_read_everything(box: Sandbox) -> None:
    await join(box)
    root = await admin(box)
    own = (await box.revenge.activity.own(root)).items
    assert own
    assert {entry.actor_id for entry in own} == {root.user_id}
    with pytest.raises(Unauthenticated):
        await box.revenge.activity.own(Actor.anonymous())


async def test_ones_own_entries_come_page_by_page(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    for name in ("a", "b", "c", "d"):
        await box.revenge.users.update_me(actor, UserChanges(display_name=name))
    whole = (await box.revenge.activity.own(actor)).items
    found: list[Entry] = []
    cursor: str | None = None
    while True:
        page = await box.revenge.activity.own(actor, limit=2, cursor=cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    assert tuple(found) == whole
    assert len(whole) >= 5


@pytest.mark.parametrize("kind", ["user", "invitation", "activity", "limit"])
async def test_what_one_did_to_others_is_ones_own_but_not_their_data(box: Sandbox, kind: str) -> None:
    actor = await act(box, await join(box))
    changes = {"email": FieldChange(before="max@example.org", after="max@example.com")}
    theirs, ones_own = Resource(type=kind, id=an_id(), key="max"), Resource(type="user", id=actor.user_id, key="ada")
    async with MemoryUnitOfWork(box.tables).begin() as tx:
        for resource in (theirs, ones_own):
            await box.revenge.activity.write(tx, actor, Action.USER_UPDATE, resource=resource, changes=changes)
    mine, other = (await box.revenge.activity.own(actor, limit=2)).items
    assert (mine.resource_key, mine.changes) == ("ada", changes)
    assert (other.resource_id, other.resource_key, other.changes) == (theirs.id, None, {})


async def test_what_one_did_to_the_keys_of_others_does_not_tell_what_these_are_called(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    async with MemoryUnitOfWork(box.tables).begin() as tx:
        for owner in (UserId(an_id()), None):
            await box.revenge.activity.write(
                tx,
                actor,
                Action.APIKEY_REVOKE,
                resource=Resource(type="api_key", id=an_id(), key="backups"),
                on_behalf_of=owner,
            )
    mine, others = (await box.revenge.activity.own(actor, limit=2)).items
    assert (mine.resource_key, others.resource_key) == ("backups", None)
