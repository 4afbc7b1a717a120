from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from hypothesis import settings
from typing_extensions import override

from revenge_core.testing.contracts.world import World
from revenge_core.testing.jobs_machine import JobsMachine
from tests.contracts.memory_world import memory_world


class MemoryMachine(JobsMachine):
    @override
    @asynccontextmanager
    async def open_world(self) -> AsyncGenerator[World]:
        yield memory_world()


TestMemoryMachine = MemoryMachine.TestCase
TestMemoryMachine.settings = settings(stateful_step_count=40)
