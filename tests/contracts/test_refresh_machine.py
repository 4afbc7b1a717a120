from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import psycopg
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from psycopg.rows import kwargs_row
from typing_extensions import override

from revenge_adapters.memory.clock import ManualClock
from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.recycled import RecycledPool
from revenge_core.sessions.entities import RefreshToken
from revenge_core.testing.refresh_machine import House, RefreshMachine
from revenge_core.testing.refresh_model import RULES
from tests.contracts.postgres_world import announced_in, postgres_world
from tests.contracts.services import services_over


def test_the_machine_of_sessions_and_refresh_runs_as_modelled(revenge_postgres_pool: RecycledPool) -> None:
    class PostgresMachine(RefreshMachine):
        @override
        @asynccontextmanager
        async def open_house(self) -> AsyncGenerator[House]:
            with revenge_postgres_pool.lease() as leased:
                database = Database(leased.url, min_size=1, max_size=3)
                await database.open()
                clock = ManualClock()
                revenge = services_over(postgres_world(database, announced_in(leased.url)), clock, RULES)
                await revenge.auth.load_signing_keys()
                connect = psycopg.AsyncConnection[RefreshToken].connect
                async with await connect(leased.url, autocommit=True, row_factory=kwargs_row(RefreshToken)) as behind:

                    async def stored() -> Sequence[RefreshToken]:
                        return await (await behind.execute("SELECT * FROM revenge.refresh_tokens")).fetchall()

                    yield House(
                        accounts=revenge.accounts,
                        auth=revenge.auth,
                        sessions=revenge.sessions,
                        now=clock.now,
                        advance=lambda delay: clock.advance(seconds=delay.total_seconds()),
                        stored=stored,
                    )
                await database.close()

    played_on_doubles = settings().max_examples
    # A fifth of that here: every step asks the database several times.
    few = settings(max_examples=max(1, played_on_doubles // 5), stateful_step_count=30)
    run_state_machine_as_test(PostgresMachine, settings=few)
