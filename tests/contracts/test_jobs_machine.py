from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from typing_extensions import override

from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.recycled import RecycledPool
from revenge_core.testing.contracts.world import World
from revenge_core.testing.jobs_machine import JobsMachine
from tests.contracts.postgres_world import announced_in, postgres_world


def test_the_machine_of_jobs_runs_as_modelled(revenge_postgres_pool: RecycledPool) -> None:
    class PostgresMachine(JobsMachine):
        @override
        @asynccontextmanager
        async def open_world(self) -> AsyncGenerator[World]:
            with revenge_postgres_pool.lease() as leased:
                database = Database(leased.url, min_size=1, max_size=4)
                await database.open()
                yield postgres_world(database, announced_in(leased.url))
                await database.close()

    played_on_doubles = settings().max_examples
    # A fifth of that here, and as found: every step asks the database several times.
    few = settings(
        max_examples=max(1, played_on_doubles // 5),
        stateful_step_count=30,
        phases=(Phase.explicit, Phase.reuse, Phase.generate),
    )
    run_state_machine_as_test(PostgresMachine, settings=few)
