"""Reading the audit log: what leaves the house, and refusals that cannot fill it."""

import json
import unicodedata
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revenge_adapters import Sandbox
from revenge_core.activity.entities import Action, Entry, EntryFilter, ExportForm
from revenge_core.activity.service import denials, exporting
from revenge_core.activity.service.exporting import FORMULAS, cell_of
from revenge_core.activity.service.reading import SETTLED
from revenge_core.actor import Actor
from revenge_core.errors import Forbidden, Invalid, ReauthRequired
from revenge_core.permissions import Permission
from revenge_core.testing.builders import a_user, an_actor, an_entry
from tests.core.people import act, join

TICK = timedelta(microseconds=1)


def fill(box: Sandbox, number: int) -> list[Entry]:
    """Entries that were settled a while ago, the oldest first."""
    began = box.clock.now() - timedelta(hours=1)
    entries = [an_entry(created_at=began + TICK * (one // 2)) for one in range(number)]
    box.rows.activity.clear()
    box.rows.activity |= {entry.id: entry for entry in entries}
    return entries


async def read(box: Sandbox, form: ExportForm = ExportForm.NDJSON, after: str | None = None) -> list[str]:
    exported = await box.revenge.audit_reading.export(Actor.host(), form, after=after)
    return b"".join([piece async for piece in exported]).decode().split("\n")[:-1]


@pytest.mark.parametrize("number", [0, 1, 6, 7, 8, 14])
async def test_an_export_is_read_in_parts_and_holds_each_entry_once(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(exporting, "AT_A_TIME", 7)
    entries = fill(box, number)
    assert [json.loads(line)["id"] for line in await read(box)] == [str(entry.id) for entry in entries]
    box.rows.activity = {entry.id: entry for entry in entries}
    assert len(await read(box, ExportForm.CSV)) == number + 1


async def test_what_is_written_while_an_export_is_read_is_in_the_next_one(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "AT_A_TIME", 2)
    entries = fill(box, 4)
    exported = await box.revenge.audit_reading.export(Actor.host(), ExportForm.NDJSON)
    late = an_entry(created_at=box.clock.now())
    seen: list[str] = []
    async for piece in exported:
        seen += (json.loads(line)["id"] for line in piece.splitlines())
        box.rows.activity[late.id] = late
    assert seen == [str(entry.id) for entry in entries]
    assert (exported.count, exported.first, exported.last) == (4, entries[0], entries[-1])


async def test_what_may_still_be_committed_is_left_to_the_next_export(box: Sandbox) -> None:
    fill(box, 0)
    fresh, settled = (an_entry(created_at=box.clock.now() - SETTLED + TICK * age) for age in (1, 0))
    box.rows.activity |= {fresh.id: fresh, settled.id: settled}
    (line,) = await read(box)
    assert json.loads(line)["id"] == str(settled.id)
    box.clock.advance(seconds=1)
    rest = await read(box, after=json.loads(line)["cursor"])
    assert [json.loads(line)["id"] for line in rest] == [str(fresh.id)]


async def test_without_its_entry_nothing_is_exported(box: Sandbox) -> None:
    actor = an_actor(a_user(), Permission.AUDIT_READ)
    with pytest.raises(Forbidden):
        await box.revenge.audit_reading.export(actor, ExportForm.CSV)
    now = box.clock.now()
    with pytest.raises(Invalid):
        await box.revenge.audit_reading.export(Actor.host(), ExportForm.CSV, EntryFilter(since=now, until=now - TICK))
    assert Action.AUDIT_EXPORT not in {entry.action for entry in box.rows.activity.values()}


@pytest.mark.parametrize("limit", [0, 51])
async def test_so_many_actions_are_not_told(box: Sandbox, limit: int) -> None:
    with pytest.raises(Invalid):
        await box.revenge.audit_reading.recent_actions(Actor.host(), limit=limit)


async def test_without_the_right_there_are_neither_figures_nor_news(box: Sandbox) -> None:
    actor = await act(box, await join(box))
    with pytest.raises(Forbidden):
        await box.revenge.audit_reading.recent_actions(actor)
    with pytest.raises(Forbidden):
        await box.revenge.audit_reading.since(actor, EntryFilter(), after=None)


@pytest.mark.asvs("16.2.5")
@given(st.text())
def test_no_text_makes_a_cell_a_formula_or_a_line_of_its_own(text: str) -> None:
    cell = cell_of(text)
    assert cell[:1] not in FORMULAS or not cell
    assert len(cell.splitlines()) <= 1
    assert not {unicodedata.category(one) for one in cell} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


async def test_refusals_of_a_minute_are_one_entry_for_each_caller_and_reason(box: Sandbox) -> None:
    ada, eve = an_actor(a_user()), an_actor(a_user())
    told = [
        await box.revenge.denials.tell(actor, refusal, "GET /")
        for actor in (ada, ada, eve, Actor.anonymous())
        for refusal in (Forbidden(), Forbidden(), ReauthRequired())
    ]
    assert told.count(True) == 2
    assert [entry.actor_id for entry in box.rows.activity.values()] == [ada.user_id, eve.user_id]
    box.clock.advance(minutes=1)
    assert await box.revenge.denials.tell(ada, Forbidden(), "GET /")
    assert list(box.rows.activity.values())[-1].changes["refused"].after == 4


async def test_so_many_callers_at_once_are_not_remembered(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(denials, "MOST", 3)
    actors = [an_actor(a_user()) for _ in range(5)]
    assert [await box.revenge.denials.tell(one, Forbidden(), "GET /") for one in actors] == [True] * 3 + [False] * 2
    box.clock.advance(minutes=1)
    assert await box.revenge.denials.tell(actors[4], Forbidden(), "GET /")
