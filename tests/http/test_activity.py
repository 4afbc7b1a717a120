"""`/api/v1/admin/activity`: what others did, for those who may read it."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from msgspec.structs import replace

from revenge_adapters.memory.uow import MemoryUnitOfWork
from revenge_adapters.wiring.sandbox import Sandbox
from revenge_core.activity.entities import Action, Entry, FieldChange, Outcome
from revenge_core.ids import UserId
from revenge_core.permissions import Permission
from revenge_core.testing.builders import an_entry, an_id
from tests.http.support import Json, Party, pointers, problem

ACTIVITY = "/api/v1/admin/activity"
EXPORT = f"{ACTIVITY}/export"
ADA = UserId(UUID(int=1))
HOSTILE = "=cmd|'/C calc'!A1\n\x1b[31m😀\"\u2028,;"


@pytest.fixture
async def log(box: Sandbox, root: Party) -> list[Entry]:
    """Seven entries, the latest last, that were written some time ago; `root` may read them."""
    box.rows.activity.clear()
    thing, began = an_id(), box.clock.now() - timedelta(days=1)
    entries = [
        an_entry(
            created_at=began + timedelta(minutes=number),
            actor_id=(ADA, UserId(UUID(root.id)))[number % 2],
            action=(Action.USER_UPDATE, Action.USER_LOGIN)[number % 2],
            outcome=(Outcome.SUCCESS, Outcome.FAILURE)[number == 3],
            resource_type="user",
            resource_id=thing if number < 2 else None,
            address="2001:db8::7" if number == 4 else None,
        )
        for number in range(7)
    ]
    async with MemoryUnitOfWork(box.tables).begin() as tx:
        for entry in entries:
            await tx.activity.add(entry)
    return entries


async def ask(client: httpx.AsyncClient, party: Party, path: str = "", **query: Any) -> Json:  # noqa: ANN401 (what a query holds)
    asked = {name: str(value) for name, value in query.items()}
    answer = await client.get(ACTIVITY + path, params=asked, headers=party.headers)
    assert answer.status_code == 200, answer.text
    said: Json = answer.json()
    return said


def ids(said: Json) -> list[str]:
    return [entry["id"] for entry in said["entries"]]


def latest_first(*entries: Entry) -> list[str]:
    return [str(entry.id) for entry in reversed(entries)]


async def test_entries_come_the_latest_first_with_all_that_is_known(
    client: httpx.AsyncClient, box: Sandbox, root: Party
) -> None:
    await client.patch("/api/v1/users/me", json={"display_name": "Root"}, headers=root.headers)
    said = await ask(client, root, limit=1)
    entry = said["entries"][0]
    written = max(box.rows.activity.values(), key=lambda one: (one.created_at, one.id))
    assert entry == {
        "id": str(written.id),
        "user_id": root.id,
        "username": "root",
        "action": "user.update",
        "resource_type": "user",
        "resource_id": root.id,
        "changes": {"display_name": {"before": None, "after": "Root"}},
        "metadata": {
            "actor_kind": "user",
            "session_id": str(written.session_id),
            "request_id": written.request_id,
            **({"resource_key": written.resource_key} if written.resource_key else {}),
        },
        "ip_address": "192.0.2.9",
        "user_agent": written.user_agent,
        "success": True,
        "created_at": entry["created_at"],
    }
    assert (said["page"], said["page_size"], said["total_is_exact"]) == (1, 1, True)
    assert said["total"] == len(box.rows.activity)


async def test_filters_are_exact_and_all_of_them_hold(client: httpx.AsyncClient, root: Party, log: list[Entry]) -> None:
    zero, one, two, three, four, five, six = log
    asked: list[tuple[dict[str, Any], list[Entry]]] = [
        ({}, log),
        ({"user_id": ADA}, [zero, two, four, six]),
        ({"action": "user.login"}, [one, three, five]),
        ({"success": "false"}, [three]),
        ({"ip_address": "2001:db8::7"}, [four]),
        ({"success": "true", "action": "user.login"}, [one, five]),
        ({"resource_type": "user", "resource_id": zero.resource_id}, [zero, one]),
        ({"resource_type": "User"}, []),
        ({"start_time": two.created_at.isoformat(), "end_time": four.created_at.isoformat()}, [two, three, four]),
        ({"user_id": an_id()}, []),
    ]
    for query, expected in asked:
        said = await ask(client, root, **query)
        assert ids(said) == latest_first(*expected), query
        assert said["total"] == len(expected)
    assert ids(await ask(client, root, f"/users/{ADA}")) == latest_first(zero, two, four, six)
    assert ids(await ask(client, root, f"/users/{an_id()}")) == []
    assert ids(await ask(client, root, f"/resources/user/{zero.resource_id}")) == latest_first(zero, one)


async def test_pages_are_counted_as_the_original_does(client: httpx.AsyncClient, root: Party, log: list[Entry]) -> None:
    found: list[tuple[int, list[str]]] = []
    for offset in (0, 1, 3, 6, 7):
        said = await ask(client, root, limit=3, offset=offset)
        found.append((said["page"], ids(said)))
        assert (said["page_size"], said["total"]) == (3, 7)
    whole = latest_first(*log)
    assert found == [(1, whole[:3]), (1, whole[1:4]), (2, whole[3:6]), (3, whole[6:]), (3, [])]


async def test_links_lead_through_a_filter_from_wherever_one_began(
    client: httpx.AsyncClient, root: Party, log: list[Entry]
) -> None:
    found: list[str] = []
    where = f"{ACTIVITY}?action=user.update&limit=1&offset=1"
    while where:
        answer = await client.get(where, headers=root.headers)
        found += ids(answer.json())
        assert ("page" in answer.json()) == ("offset" in where)
        where = answer.links["next"]["url"] if "next" in answer.links else ""
    assert found == latest_first(log[0], log[2], log[4])


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("limit=0&offset=-1", ["/limit", "/offset"]),
        ("limit=101", ["/limit"]),
        ("offset=10001", ["/offset"]),
        ("action=user.fly&user_id=x&success=perhaps", ["/action", "/success", "/user_id"]),
        ("start_time=yesterday&end_time=2026-01-01T00:00:00", ["/end_time", "/start_time"]),
        ("cursor=&resource_type=", ["/cursor", "/resource_type"]),
    ],
)
async def test_limits_and_offsets_that_are_wrong_are_400_and_not_403(
    client: httpx.AsyncClient, root: Party, query: str, wrong: list[str]
) -> None:
    """Platform 5.4: the original answered 403, as to somebody who may not."""
    assert (
        pointers(problem(await client.get(f"{ACTIVITY}?{query}", headers=root.headers), 400, "request_invalid"))
        == wrong
    )


async def test_times_in_the_wrong_order_and_two_beginnings_are_told_at_once(
    client: httpx.AsyncClient, root: Party, log: list[Entry]
) -> None:
    cursor = (await ask(client, root, limit=1))["next_cursor"]
    query = f"start_time=2026-02-01T00:00:00Z&end_time=2026-01-01T00:00:00Z&offset=1&cursor={cursor}"
    said = problem(await client.get(f"{ACTIVITY}?{query}", headers=root.headers), 400, "invalid")
    assert pointers(said) == ["/cursor", "/end_time"]


async def test_times_that_there_are_in_no_calendar_of_utc_are_400(client: httpx.AsyncClient, root: Party) -> None:
    query = "start_time=0001-01-01T00:00:00%2B14:00&end_time=9999-12-31T23:59:59-14:00"
    for path in ("", "/export"):
        said = problem(await client.get(f"{ACTIVITY}{path}?{query}", headers=root.headers), 400, "invalid")
        assert pointers(said) == ["/end_time", "/start_time"]


@pytest.mark.asvs("8.2.1")
@pytest.mark.parametrize(
    "path", ["", f"/users/{an_id()}", f"/resources/user/{an_id()}", "/stats", "/actions", "/export"]
)
async def test_members_and_strangers_read_nothing_of_others(client: httpx.AsyncClient, ada: Party, path: str) -> None:
    problem(await client.get(ACTIVITY + path), 401, "authentication_required")
    problem(await client.get(ACTIVITY + path, headers=ada.headers), 403, "permission_denied")


async def allow(box: Sandbox, *permissions: Permission) -> None:
    """Give members these rights."""
    member = box.rows.roles["user"]
    box.rows.roles["user"] = replace(member, permissions=member.permissions | frozenset(map(str, permissions)))


@pytest.mark.asvs("8.2.3")
async def test_who_may_not_see_accounts_does_not_see_their_addresses_in_the_log(
    client: httpx.AsyncClient, box: Sandbox, ada: Party, root: Party
) -> None:
    answer = await client.patch(
        f"/api/v1/admin/users/{ada.id}", json={"email": "ada@example.net", "locale": "de"}, headers=root.headers
    )
    assert answer.status_code == 200, answer.text
    await allow(box, Permission.AUDIT_READ, Permission.AUDIT_EXPORT)
    changes: Json = {}
    for entry in reversed((await ask(client, ada, resource_id=ada.id))["entries"]):
        changes |= entry.get("changes", {})
    assert changes["email"] == {"before": "(hidden)", "after": "(hidden)"}
    assert changes["locale"]["after"] == "de"
    box.clock.advance(minutes=1)
    assert "ada@example.net" in (await client.get(ACTIVITY, headers=root.headers)).text
    exported = await client.get(EXPORT, headers=ada.headers)
    assert "(hidden)" in exported.text
    assert "ada@example" not in exported.text


async def test_figures_of_the_log(client: httpx.AsyncClient, root: Party, log: list[Entry]) -> None:
    assert await ask(client, root, "/stats") == {
        "total_count": 7,
        "success_count": 6,
        "failed_count": 1,
        "counts_are_exact": True,
        "oldest_entry": wire(log[0].created_at),
        "newest_entry": wire(log[-1].created_at),
    }
    assert (await ask(client, root, "/actions"))["actions"] == [
        {"action": "user.update", "count": 4, "count_is_exact": True},
        {"action": "user.login", "count": 3, "count_is_exact": True},
    ]
    assert [one["action"] for one in (await ask(client, root, "/actions", limit=1))["actions"]] == ["user.update"]


def wire(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


async def test_an_empty_log_has_no_oldest_entry(client: httpx.AsyncClient, box: Sandbox, root: Party) -> None:
    box.rows.activity.clear()
    assert await ask(client, root, "/stats") == {
        "total_count": 0,
        "success_count": 0,
        "failed_count": 0,
        "counts_are_exact": True,
    }


async def test_an_export_is_a_line_for_each_entry_the_oldest_first(
    client: httpx.AsyncClient, root: Party, log: list[Entry]
) -> None:
    answer = await client.get(EXPORT, headers=root.headers)
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["content-disposition"] == 'attachment; filename="revenge-activity.ndjson"'
    assert answer.headers["cache-control"] == "no-store"
    lines = [json.loads(line) for line in answer.text.split("\n")[:-1]]
    assert [line["id"] for line in lines] == [str(entry.id) for entry in log]
    assert lines[1]["username"] == "root"
    failed = await client.get(f"{EXPORT}?success=false&action=user.login", headers=root.headers)
    assert [json.loads(line)["id"] for line in failed.text.split()] == [str(log[3].id)]


async def test_whoever_pulls_goes_on_after_the_last_line(
    client: httpx.AsyncClient, box: Sandbox, root: Party, log: list[Entry]
) -> None:
    lines = (await client.get(EXPORT, headers=root.headers)).text.split()
    cursor = json.loads(lines[3])["cursor"]
    box.clock.advance(minutes=2)
    rest = (await client.get(EXPORT, params={"after": cursor}, headers=root.headers)).text.split()
    told = [json.loads(line) for line in rest]
    assert [line["id"] for line in told[:3]] == [str(entry.id) for entry in log[4:]]
    assert [line["action"] for line in told[3:]] == ["audit.export"], "the first export itself"
    problem(await client.get(EXPORT, params={"after": "x"}, headers=root.headers), 400, "cursor_invalid")


async def test_an_export_is_audited_with_what_it_asked_for(
    client: httpx.AsyncClient, box: Sandbox, root: Party, log: list[Entry]
) -> None:
    await client.get(f"{EXPORT}?format=csv&success=false", headers=root.headers)
    entry = list(box.rows.activity.values())[-1]
    assert (entry.action, entry.resource_key, entry.actor_id) == (Action.AUDIT_EXPORT, "csv", UserId(UUID(root.id)))
    assert entry.changes == {"outcome": FieldChange(after="failure")}


@pytest.mark.asvs("16.2.5")
async def test_what_people_wrote_is_neither_a_formula_nor_a_line_of_its_own(
    client: httpx.AsyncClient, box: Sandbox, root: Party, log: list[Entry]
) -> None:
    hostile = an_entry(
        created_at=log[-1].created_at,
        reason=HOSTILE,
        user_agent="@SUM(1)",
        resource_key="+1",
        changes={"display_name": FieldChange(before="-1", after=HOSTILE)},
    )
    box.rows.activity[hostile.id] = hostile
    text = (await client.get(f"{EXPORT}?format=csv", headers=root.headers)).text
    assert "\x1b" not in text
    assert text.count("\r\n") == len(text.splitlines()) == 9
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    cells = rows[-1]
    assert cells["error_message"].startswith("'=cmd|")
    assert (cells["user_agent"], cells["resource_key"]) == ("'@SUM(1)", "'+1")
    assert "😀" in cells["error_message"]
    assert json.loads(cells["changes"])["display_name"]["after"] == HOSTILE
    assert not [cell for row in rows for cell in row.values() if cell[:1] in set("=+-@\t\r\n")]
    lines = (await client.get(EXPORT, headers=root.headers)).text.split("\n")
    assert json.loads(lines[-2])["error_message"] == HOSTILE


@pytest.mark.asvs("16.3.2")
async def test_who_is_refused_is_in_the_log_and_cannot_fill_it(
    client: httpx.AsyncClient, box: Sandbox, ada: Party
) -> None:
    box.rows.activity.clear()
    for _ in range(20):
        await client.get(ACTIVITY, headers=ada.headers)
        await client.get(f"/api/v1/admin/users/{ada.id}", headers=ada.headers)
        await client.get(ACTIVITY)
    (told,) = box.rows.activity.values()
    assert (told.action, told.outcome, told.reason) == (Action.ACCESS_DENIED, Outcome.FAILURE, "permission_denied")
    assert (told.actor_id, told.resource_type) == (UserId(UUID(ada.id)), "operation")
    assert told.resource_key == f"GET {ACTIVITY}"
    assert told.changes == {"refused": FieldChange(after=1)}
    box.clock.advance(minutes=1)
    await client.get(f"/api/v1/admin/users/{ada.id}", headers=ada.headers)
    _, again = box.rows.activity.values()
    assert again.resource_key == "GET /api/v1/admin/users/{userId}"
    assert again.changes == {"refused": FieldChange(after=40)}


async def test_an_api_key_may_pull_if_it_may_export_and_is_named(
    client: httpx.AsyncClient, box: Sandbox, root: Party
) -> None:
    body = {"name": "siem", "scopes": ["admin"]}
    made = await client.post("/api/v1/apikeys", json=body, headers=root.headers)
    assert made.status_code == 201, made.text
    said = made.json()
    key = next(value for value in said.values() if isinstance(value, str) and len(value) == len("rv_") + 64)
    answer = await client.get(EXPORT, headers={"x-api-key": key})
    assert answer.status_code == 200, answer.text
    told = list(box.rows.activity.values())[-1]
    assert told.action is Action.AUDIT_EXPORT
    assert told.key_id is not None
    assert (await ask(client, root, limit=1))["entries"][0]["metadata"]["key_id"] == str(told.key_id)
