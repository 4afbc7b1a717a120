"""`open_revenge`: from settings to a running `Revenge`, and back to nothing."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.util import find_spec

from revenge_adapters.wiring.errors import WorkerUnavailable
from revenge_adapters.wiring.handlers import MoreJobs
from revenge_adapters.wiring.metrics import Metrics
from revenge_adapters.wiring.program import opened
from revenge_adapters.wiring.settings import Settings, load_settings
from revenge_core.revenge import Revenge

_log = logging.getLogger("revenge.open")


@asynccontextmanager
async def open_revenge(
    settings: Settings | None = None,
    *,
    jobs: MoreJobs | None = None,
    worker: bool | None = None,
    stopping: asyncio.Event | None = None,
    metrics: Metrics | None = None,
) -> AsyncGenerator[Revenge]:
    """A running Revenge on its database; `settings` are read as `revenge serve` reads them if None.

    Starts an embedded PostgreSQL unless a database is given, backs that up if it is about to change, migrates,
    follows the revocation feed, and runs jobs. On leaving, also after a failure half-way, all of it is stopped in
    reverse order. Runs on any event loop that is there and touches nothing of it.

    `jobs` adds kinds of the program's own. `worker` says whether jobs run in this process; if None the setting
    `jobs.in_process` does, so that mail is sent and old things are cleaned up wherever nobody decided otherwise.
    Commands that are over in a moment say False. Once `stopping` is set no more jobs begin, and leaving the block need
    not wait for what runs as long as it would. `metrics` counts what jobs do, and shows it where a port is set.

    Raises:
        SettingsInvalid: settings were to be read and cannot be used.
        DatabaseUnavailable: the database cannot be started or reached.
        SecretFileUnusable, MasterSecretMismatch: the master secret is damaged, or another database's.
        BackupFailed: the database was about to be migrated and could not be backed up.
        MigrationError: the schema is newer than this program, was changed by hand, or a migration failed.
        MetricsPortUnavailable: somebody else has that port.
        WorkerUnavailable: a worker was asked for, and what it needs is not installed.
        ValueError: what `jobs` adds breaks a rule.
    """
    settings = settings or load_settings().settings
    works = _works(settings, worker=worker)
    async with opened(settings, jobs, works=works, metrics=metrics) as program, AsyncExitStack() as stack:
        if works:
            from revenge_adapters.wiring.worker import working  # loads Taskiq

            await stack.enter_async_context(working(program, stopping))
        program.revenge.health.mark_started()
        yield program.revenge


def _works(settings: Settings, *, worker: bool | None) -> bool:
    """Whether this process runs jobs. A program that installed only the base can be opened all the same."""
    wanted = settings.jobs.in_process if worker is None else worker
    if wanted and find_spec("taskiq") is None:
        if worker:
            raise WorkerUnavailable
        _log.warning("jobs wait: this process does not run them, since `revenge[worker]` is not installed")
        return False
    return wanted
