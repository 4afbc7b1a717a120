"""Processes that run jobs, for tests that kill, freeze and stop them."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Self

import psycopg

from revenge_adapters.wiring.program import Program, opened
from revenge_core.jobs.service import Handlers
from revenge_core.revenge import Revenge
from tests.faults.workshop_kinds import TABLES, Chair, Inventory, Stool, settings_of

PATIENCE_SECONDS: Final = 40.0


class Workshop:
    """One process that runs jobs."""

    def __init__(self, url: str, **more: object) -> None:
        self.lines: list[str] = []
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("REVENGE_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.workshop_kinds", url, json.dumps(more)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**inherited, "PYTHONUNBUFFERED": "1"},
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        self.until("open")
        return self

    def __exit__(self, *_: object) -> None:
        self.send(signal.SIGKILL)
        self.process.wait(10)
        self._reader.join(5)
        if self.process.stdout:
            self.process.stdout.close()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self.lines.append(line.rstrip("\n"))

    def until(self, line: str) -> None:
        """Wait until it says exactly this."""
        waiting(lambda: line in self.lines or self.process.poll() is not None, lambda: "\n".join(self.lines))
        assert line in self.lines, f"it ended with {self.process.returncode}:\n" + "\n".join(self.lines)

    def send(self, number: signal.Signals) -> None:
        """A signal, if it lives."""
        if self.process.poll() is None:
            self.process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> None:
        """SIGTERM, and wait until it has ended well."""
        self.send(signal.SIGTERM)
        assert self.process.wait(30) == 0, "\n".join(self.lines)


class Ledger:
    """The database, seen by who checks the books."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        """The answer to a query."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(question.encode(), values).fetchall()

    def tell(self, command: str, *values: object) -> None:
        """Change something."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(command.encode(), values)

    def made(self) -> dict[int, int]:
        """How often each number was made."""
        return dict(self.ask("SELECT number, count(*) FROM public.made GROUP BY number"))

    def states(self, kind: str = "chair") -> Mapping[str, int]:
        """How many jobs of the kind are in which state."""
        return dict(self.ask("SELECT state, count(*) FROM revenge.jobs WHERE kind = %s GROUP BY state", kind))

    def until(self, holds: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
        """Wait for it."""

        def settled() -> bool:
            try:
                return holds()
            except psycopg.OperationalError:
                return False

        def otherwise() -> str:
            return str(self.ask("SELECT id, kind, state, attempt, errors FROM revenge.jobs ORDER BY id LIMIT 20"))

        waiting(settled, otherwise, seconds)


def waiting(holds: Callable[[], bool], otherwise: Callable[[], str], seconds: float = PATIENCE_SECONDS) -> None:
    """Look often until it holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, otherwise()
        time.sleep(0.02)


@asynccontextmanager
async def office(url: str, **more: object) -> AsyncGenerator[Program]:
    """A process that enqueues and runs nothing: this one."""

    async def elsewhere(job: object, ctx: object) -> None:
        raise RuntimeError("workshops do this")

    def register(revenge: Revenge, handlers: Handlers) -> None:
        for kind in (Chair, Stool, Inventory):
            handlers.add(kind, elsewhere)

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(TABLES)
    async with opened(settings_of(url, **more), register, works=False) as program:
        yield program
