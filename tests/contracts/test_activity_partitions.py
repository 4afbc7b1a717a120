"""What a page of the audit log costs does not depend on how many months there are (platform.md, 5.4)."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from revenge_adapters.memory.clock import ManualClock
from revenge_adapters.postgres.activity import PostgresActivityReader, Sql, parts
from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.sql import Query, Replanned
from revenge_core.activity.entities import Action, EntryFilter
from revenge_core.testing.builders import NOW, an_id

TICK: Final = timedelta(microseconds=1)
TIMES: Final = st.datetimes(timezones=st.just(UTC))


@given(TIMES, TIMES, TIMES)
def test_parts_of_a_time_follow_each_other_and_are_all_of_it(since: datetime, until: datetime, now: datetime) -> None:
    found = list(parts(since, until, now))
    assert found[0][1] == until
    assert found[-1][0] == since
    assert len(found) <= 5
    assert all(later[0] - TICK == earlier[1] for later, earlier in pairwise(found))


async def test_deep_pages_and_first_ones_touch_the_months_they_are_in(database: Database) -> None:
    query: Query[str] = Replanned("explain", "EXPLAIN " + Sql.newest.text.decode(), str)
    wanted = dict.fromkeys(EntryFilter.__struct_fields__) | {"limit": 51, "skip": 0, "before": an_id()}
    start, end = next(parts(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), datetime.now(UTC)))
    plan = "\n".join(await database.all(query, **wanted | {"since": start, "until": end}))
    assert plan.count(" on activity") <= 4, "this month, the two that are ready, and the one for all others"
    month = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    inside = {"since": month, "until": month + timedelta(days=20)}
    assert "\n".join(await database.all(query, **wanted | inside)).count(" on activity") == 1


async def test_whoever_pages_on_does_not_count_again_what_is_too_much_to_count(database: Database) -> None:
    clock = ManualClock(NOW)
    reader = PostgresActivityReader(database, clock)
    async with database.transaction() as transaction:
        await transaction.run(FILL, action=Action.USER_LOGIN.value, at=NOW)
    first = await reader.count(EntryFilter(), exact_up_to=10)
    assert not first.is_exact
    async with database.transaction() as transaction:
        await transaction.run(FILL, action=Action.USER_LOGIN.value, at=NOW)
    assert await reader.count(EntryFilter(), exact_up_to=10) == first
    assert (await reader.count(EntryFilter(), exact_up_to=50)).number == 40


FILL: Final = Query[None](
    "fill",
    "INSERT INTO revenge.activity (id, created_at, actor_kind, action, outcome, changes, salt)"
    " SELECT gen_random_uuid(), %(at)s, 'host', %(action)s, 'success', '{}', '\\x00' FROM generate_series(1, 20)",
    type(None),
)
