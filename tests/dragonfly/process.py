"""A relay or a stream worker as a process that a test may kill or freeze.

`python -m tests.dragonfly.process worker REDIS LEASE FOLDER` notes `began 7` and `ended 7` in `FOLDER/log`; its jobs
wait for `FOLDER/gate`. `… relay REDIS LEASE DATABASE` hands jobs on.
"""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path
from typing import cast

from revenge_adapters.postgres.db import Database
from revenge_adapters.postgres.jobs.wakeups import PostgresWakeUps
from revenge_core.background import Job, JobContext
from tests.dragonfly.outpost import Outpost
from tests.redis_server import RedisServer
from tests.taskiq.yard import Yard


class Given(RedisServer):
    """One that somebody else started."""

    def __init__(self, socket: str) -> None:
        self.socket = Path(socket)


async def work(outpost: Outpost, folder: Path) -> None:
    """Run jobs until killed."""

    def note(what: str) -> None:
        with (folder / "log").open("a") as log:
            log.write(what + "\n")

    async def handler(_job: Job, ctx: JobContext) -> None:
        note(f"began {ctx.id}")
        while not (folder / "gate").exists():  # noqa: ASYNC110 -- a file tells nobody
            await asyncio.sleep(0.02)
        note(f"ended {ctx.id}")

    async with outpost.worker(handler, "in a process", places=1):
        note("ready")
        await asyncio.Event().wait()


async def hand_on(server: RedisServer, lease: timedelta, url: str) -> None:
    """Relay until killed."""
    database = Database(url, min_size=1, max_size=4)
    await database.open()
    wake_ups = PostgresWakeUps(database, url)
    await wake_ups.start()
    async with Outpost(Yard(url, database, wake_ups), server, lease).relay("in a process"):
        await asyncio.Event().wait()


def main() -> None:
    """As the arguments say."""
    role, redis, lease, where = sys.argv[1:]
    server, seconds = Given(redis), timedelta(seconds=float(lease))
    if role == "relay":
        asyncio.run(hand_on(server, seconds, where))
    else:
        asyncio.run(work(Outpost(cast(Yard, None), server, seconds), Path(where)))


if __name__ == "__main__":
    main()
