"""Seals over the doubles and over PostgreSQL, which work the same digests out."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.recycled import RecycledDatabase
from revenge_core.activity.entities import Action, Entry, FieldChange, Outcome
from revenge_core.activity.policy import changes_text, digests_of, recorded
from revenge_core.actor import ActorKind
from revenge_core.testing.builders import an_entry
from revenge_core.testing.contracts.activity import write
from revenge_core.testing.contracts.seals import (
    ActivitySealsContract,
    ErasureContract,
    RetentionContract,
    SealReaderContract,
)
from revenge_core.testing.contracts.world import World
from tests.contracts.memory_world import OnMemory
from tests.contracts.postgres_world import OnPostgres, announced_in, postgres_world

storable = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=40)
maybe = st.none() | storable
values = st.none() | st.booleans() | storable | st.integers(-(2**63), 2**63 - 1)
changes = st.dictionaries(storable, st.builds(FieldChange, before=values, after=values), max_size=6)
ids = st.none() | st.uuids()
entries = st.builds(
    an_entry,
    created_at=st.datetimes(
        min_value=datetime(1971, 1, 1),  # noqa: DTZ001 -- of the zone below
        max_value=datetime(9000, 1, 1),  # noqa: DTZ001 -- the same
        timezones=st.just(UTC),
    ),
    actor_kind=st.sampled_from(ActorKind),
    actor_id=ids,
    session_id=ids,
    key_id=ids,
    on_behalf_of=ids,
    action=st.sampled_from(Action),
    outcome=st.sampled_from(Outcome),
    reason=maybe,
    resource_type=maybe,
    resource_id=ids,
    resource_key=maybe,
    changes=changes,
    address=maybe,
    user_agent=maybe,
    request_id=maybe,
    salt=st.binary(max_size=32),
)


class TestMemorySeals(OnMemory, ActivitySealsContract):
    pass


class TestMemoryCheckpoints(OnMemory, SealReaderContract):
    pass


class TestMemoryErasure(OnMemory, ErasureContract):
    pass


class TestMemoryRetention(OnMemory, RetentionContract):
    pass


class TestPostgresSeals(OnPostgres, ActivitySealsContract):
    pass


class TestPostgresCheckpoints(OnPostgres, SealReaderContract):
    pass


class TestPostgresErasure(OnPostgres, ErasureContract):
    pass


class TestPostgresRetention(OnPostgres, RetentionContract):
    pass


class OnOneRole:
    """Runs a suite on PostgreSQL where one role owns the tables and runs the application (rulings R27)."""

    @pytest.fixture
    async def world(self, revenge_postgres: RecycledDatabase) -> AsyncIterator[World]:
        database = Database(revenge_postgres.owner_url, max_size=12)
        await database.open()
        yield postgres_world(database, announced_in(revenge_postgres.owner_url))
        await database.close()


class TestOneRoleSeals(OnOneRole, ActivitySealsContract):
    pass


class TestOneRoleErasure(OnOneRole, ErasureContract):
    pass


class TestOneRoleRetention(OnOneRole, RetentionContract):
    pass


class TestPostgresDigests(OnPostgres):
    @pytest.mark.anyio
    @pytest.mark.asvs("16.4.2")
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(written=st.lists(entries, min_size=1, max_size=8))
    async def test_postgresql_and_python_come_to_the_same_digests(self, world: World, written: list[Entry]) -> None:
        await write(world, *written)
        waiting: dict[Any, Any] = {}
        after = None
        while part := await world.seals.waiting(after=after, limit=500):
            waiting |= {one.entry_id: one for one in part}
            after = part[-1]
        rows = await world.seals.rows([waiting[entry.id] for entry in written])
        for entry in written:
            assert rows[entry.id] == recorded(entry)
            digests = digests_of(recorded(entry))
            assert (waiting[entry.id].content, waiting[entry.id].personal) == (digests.content, digests.personal)
        async with world.uow.begin() as tx:
            while await tx.activity_seals.seal(1000):
                pass


def test_changes_are_written_as_postgresql_does() -> None:
    given = {"bb": FieldChange(after='\x01\x7f"\\\n🎬'), "z": FieldChange(before=1), "aa": FieldChange(after=True)}
    assert changes_text(given) == (
        '{"z": {"after": null, "before": 1}, "aa": {"after": true, "before": null}, '
        '"bb": {"after": "\\u0001\x7f\\"\\\\\\n🎬", "before": null}}'
    )
