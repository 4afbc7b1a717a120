"""A worker that begins one job, says so, and is killed for it."""

import asyncio
import sys

from revenge_adapters.wiring.program import opened
from revenge_adapters.wiring.settings import Settings
from revenge_adapters.wiring.settings.records import Auth, Database
from revenge_adapters.wiring.worker import working
from revenge_core.background import JobContext
from revenge_core.jobs.service import Handlers
from revenge_core.revenge import Revenge
from revenge_core.secrets import Secret
from tests.bench.queues.revenge_queue import Work


async def _begin(job: Work, ctx: JobContext) -> None:
    print("begun", flush=True)
    await asyncio.sleep(600)


def _register(revenge: Revenge, handlers: Handlers) -> None:
    handlers.add(Work, _begin)


async def _main(url: str) -> None:
    settings = Settings(auth=Auth(jwt_secret=Secret("bench " * 8)), database=Database(url=Secret(url)))
    async with opened(settings, _register, works=True) as program, working(program, None):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
