"""One entry that makes no sense to this version keeps nobody from reading the others."""

from datetime import timedelta
from typing import Any, Final

import psycopg
import pytest

from revenge_adapters.memory.clock import ManualClock
from revenge_adapters.postgres.activity import PostgresActivityReader
from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.recycled import RecycledDatabase
from revenge_core.activity.entities import EntryFilter, Outcome
from revenge_core.testing.builders import NOW

INSERT: Final = (
    "INSERT INTO revenge.activity (id, created_at, actor_kind, action, outcome, changes, salt)"
    " VALUES (gen_random_uuid(), %(at)s, %(kind)s, %(action)s, %(outcome)s, %(changes)s, 'x')"
)
KNOWN: Final = {"at": NOW, "kind": "host", "action": "user.create", "outcome": "success", "changes": "{}"}


async def insert(url: str, **odd: Any) -> None:  # noqa: ANN401 (values of columns)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(INSERT.encode(), KNOWN | odd)


@pytest.mark.parametrize(
    "odd",
    [
        {"action": "film.fly"},
        {"kind": "ghost"},
        {"outcome": "perhaps"},
        {"changes": "[]"},
        {"changes": '{"a": 1}'},
        {"changes": '{"a": {"before": 1.5}}'},
    ],
)
async def test_entries_of_another_version_are_read_as_they_are(
    database: Database, revenge_postgres: RecycledDatabase, odd: dict[str, str]
) -> None:
    reader = PostgresActivityReader(database, ManualClock(NOW))
    await insert(revenge_postgres.url)
    await insert(revenge_postgres.url, **odd)
    newest = await reader.newest(EntryFilter(), limit=9)
    assert {one.entry.id for one in await reader.oldest(EntryFilter(), limit=9)} == {one.entry.id for one in newest}
    entries = [one.entry for one in newest]
    assert {entry.action.value for entry in entries} == {"user.create", odd.get("action", "user.create")}
    assert {entry.actor_kind.value for entry in entries} == {"host", odd.get("kind", "host")}
    assert {entry.outcome.value for entry in entries} == {"success", odd.get("outcome", "success")}
    assert [entry.outcome for entry in entries].count(Outcome.SUCCESS) == 2 - ("outcome" in odd)
    assert [*map(bool, (entry.changes for entry in entries))].count(True) == ("changes" in odd)
    done = await reader.actions(since=NOW - timedelta(days=1), limit=9, among=9)
    assert {one.action.value for one in done} == {entry.action.value for entry in entries}


@pytest.mark.parametrize("at", ["4000-01-01 BC", "20000-01-01", "infinity", "-infinity"])
async def test_no_entry_has_a_time_at_which_every_look_at_the_log_would_fail(
    revenge_postgres: RecycledDatabase, at: str
) -> None:
    with pytest.raises(psycopg.errors.DatetimeFieldOverflow):
        await insert(revenge_postgres.url, at=at)


@pytest.mark.parametrize("at", ["4000-01-01 BC", "20000-01-01", "infinity", "-infinity"])
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO revenge.activity_checkpoints VALUES (1, '', %(at)s, '', '', '')",
        "SELECT revenge.drop_activity(now() - interval '31 days', %(at)s)",
    ],
)
async def test_nothing_that_vouches_for_the_log_has_such_a_time_either(
    revenge_postgres: RecycledDatabase, statement: str, at: str
) -> None:
    await insert(revenge_postgres.url, at="2020-01-01T00:00:00Z")
    async with await psycopg.AsyncConnection.connect(revenge_postgres.url, autocommit=True) as connection:
        await connection.execute("SELECT revenge.seal_activity(1000)")
        with pytest.raises(psycopg.errors.CheckViolation):
            await connection.execute(statement.encode(), {"at": at})
