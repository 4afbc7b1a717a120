"""What workshops make: jobs whose effects can be counted afterwards. Also the program of a workshop's process."""

import asyncio
import json
import sys
import time
from datetime import timedelta
from typing import Any, ClassVar, Final

import psycopg

from revenge_adapters.postgres.sql import Query
from revenge_adapters.wiring.program import Program, opened
from revenge_adapters.wiring.settings import Settings
from revenge_adapters.wiring.settings.records import Auth, Database, Jobs
from revenge_adapters.wiring.worker import working
from revenge_core.background import Curve, Job, JobContext, JobSpec, Queue, Retry, Schedule
from revenge_core.jobs.service import Handlers
from revenge_core.revenge import Revenge
from revenge_core.secrets import Secret

TABLES: Final = """
CREATE TABLE IF NOT EXISTS public.made (number integer NOT NULL, job_id bigint NOT NULL, attempt integer NOT NULL);
CREATE TABLE IF NOT EXISTS public.begun (number integer NOT NULL, job_id bigint NOT NULL, attempt integer NOT NULL);
"""
MADE: Final[Query[None]] = Query("made", "INSERT INTO public.made VALUES (%(n)s, %(job_id)s, %(attempt)s)", type(None))
BEGUN: Final[Query[None]] = Query(
    "begun", "INSERT INTO public.begun VALUES (%(n)s, %(job_id)s, %(attempt)s)", type(None)
)
SOON: Final = Retry(curve=Curve.CONSTANT, step=timedelta(milliseconds=200), jitter=0)
SECRET: Final = Secret("of all the workshops " * 2)


class Chair(Job, kw_only=True):
    """Made in one transaction with its completion: exactly once, however often it is begun."""

    spec: ClassVar[JobSpec] = JobSpec(kind="chair", queue=Queue.CRITICAL, retry=SOON, timeout=None)

    number: int
    seconds: float = 0


class Stool(Job, kw_only=True):
    """Made without `complete`: at least once."""

    spec: ClassVar[JobSpec] = JobSpec(kind="stool", queue=Queue.HIGH, retry=SOON, timeout=None)

    number: int


class Inventory(Job, kw_only=True):
    """Comes by schedule."""

    spec: ClassVar[JobSpec] = JobSpec(kind="inventory", retry=SOON)


EVERY_SECOND: Final = Schedule(name="inventory", job=Inventory(), every=timedelta(seconds=1))


def settings_of(url: str, **more: Any) -> Settings:  # noqa: ANN401 -- values of settings
    """A worker's settings, with a lease as short as may be."""
    return Settings(
        auth=Auth(jwt_secret=SECRET),
        database=Database(url=Secret(url), notifications=more.get("notifications", True), pool_max=10),
        jobs=Jobs(
            lease=timedelta(seconds=4),
            stop_timeout=timedelta(seconds=more.get("stop_timeout", 3)),
        ),
    )


def say(line: str) -> None:
    """Tell whoever started this process."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def shift_clocks(hours: float) -> None:
    """Let every clock of this process but the monotonic ones be wrong by so much."""
    seconds = hours * 3600
    true_time, true_time_ns = time.time, time.time_ns
    time.time = lambda: true_time() + seconds
    time.time_ns = lambda: true_time_ns() + int(seconds * 1e9)


async def _main(url: str, more: dict[str, Any]) -> None:
    program: Program

    async def make_chair(job: Chair, ctx: JobContext) -> None:
        await program.adapters.database().run(BEGUN, n=job.number, job_id=ctx.id, attempt=ctx.attempt)
        say(f"begun {job.number}")
        await asyncio.sleep(job.seconds)
        async with program.adapters.uow().begin() as tx:
            await tx._transaction.run(MADE, n=job.number, job_id=ctx.id, attempt=ctx.attempt)
            await ctx.complete(tx)
        say(f"made {job.number}")

    async def make_stool(job: Stool, ctx: JobContext) -> None:
        await program.adapters.database().run(MADE, n=job.number, job_id=ctx.id, attempt=ctx.attempt)

    async def count(job: Inventory, ctx: JobContext) -> None:
        await program.adapters.database().run(MADE, n=-1, job_id=ctx.id, attempt=ctx.attempt)

    def register(revenge: Revenge, handlers: Handlers) -> None:
        handlers.add(Chair, make_chair)
        handlers.add(Stool, make_stool)
        handlers.add(Inventory, count)
        if more.get("inventory"):
            handlers.add_schedules([EVERY_SECOND])

    shift_clocks(more.get("clock_hours", 0))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(TABLES)
    settings = settings_of(url, **more)
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(15, stopping.set)
    async with opened(settings, register, works=True) as program, working(program, stopping):
        say("open")
        await stopping.wait()
    say("closed")


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], json.loads(sys.argv[2])))
