from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from hypothesis import settings
from typing_extensions import override

from revenge_adapters import sandbox
from revenge_core.sessions.entities import RefreshToken
from revenge_core.testing.refresh_machine import House, RefreshMachine
from revenge_core.testing.refresh_model import RULES


class MemoryMachine(RefreshMachine):
    @override
    @asynccontextmanager
    async def open_house(self) -> AsyncGenerator[House]:
        box = sandbox(session_rules=RULES)

        async def stored() -> Sequence[RefreshToken]:
            return tuple(box.rows.refresh_tokens.values())

        yield House(
            accounts=box.revenge.accounts,
            auth=box.revenge.auth,
            sessions=box.revenge.sessions,
            now=box.clock.now,
            advance=lambda delay: box.clock.advance(seconds=delay.total_seconds()),
            stored=stored,
        )


TestMemoryMachine = MemoryMachine.TestCase
TestMemoryMachine.settings = settings(stateful_step_count=40)
