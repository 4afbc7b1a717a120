"""`revenge jobs` as a process on a real database: its signals get out, it is drawn on a terminal, and it ends well."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from revenge_adapters.postgres.recycled import RecycledDatabase
from tests.house.modules import ROOT

PATIENCE_SECONDS = 60


@pytest.fixture
def environ(revenge_postgres: RecycledDatabase, tmp_path: Path) -> dict[str, str]:
    """Of a shell on the server."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("REVENGE_", "XDG_"))}
    return kept | {
        "REVENGE_DATABASE_URL": revenge_postgres.url,
        "REVENGE_DATABASE_OWNER_URL": revenge_postgres.owner_url,
        "REVENGE_DATA_DIR": str(tmp_path / "data"),
        "TERM": "xterm",
    }


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "revenge_cli", *arguments]


def jobs(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("jobs", *arguments), cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=120
    )


def discarded(database: RecycledDatabase) -> int:
    """A job that some other program put there, and that failed."""
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        row = connection.execute(
            "INSERT INTO revenge.jobs (kind, queue, state, finalized_at, args, tags) "
            "VALUES ('scan-library', 'bulk', 'discarded', clock_timestamp(), '[1]', '{go}') RETURNING id"
        ).fetchone()
    assert row
    number: int = row[0]
    return number


def test_workers_are_told_although_the_command_is_over_at_once(
    environ: dict[str, str], revenge_postgres: RecycledDatabase
) -> None:
    job_id = discarded(revenge_postgres)
    with psycopg.connect(revenge_postgres.url, autocommit=True) as listening:
        listening.execute("LISTEN revenge_jobs")
        assert jobs(environ, "retry", str(job_id)).returncode == 0
        heard = [one.payload for one in listening.notifies(timeout=PATIENCE_SECONDS, stop_after=1)]
    assert any(payload.startswith("available:bulk") for payload in heard)


def test_a_job_of_another_program_is_shown_whatever_its_arguments_are(
    environ: dict[str, str], revenge_postgres: RecycledDatabase
) -> None:
    job_id = str(discarded(revenge_postgres))
    shown = json.loads(jobs(environ, "show", job_id, "--args", "--json").stdout)
    assert (shown["kind"], shown["args"], shown["tags"]) == ("scan-library", [1], ["go"])
    assert "retried" in jobs(environ, "retry", "--kind", "scan-library", "--tag", "go", "--yes").stderr
    watched = jobs(environ, "list", "--plain", "--queue", "bulk")
    assert watched.stdout.split("\t")[:3] == [job_id, "available", "scan-library"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_watch_that_is_piped_is_lines_and_ends_well(environ: dict[str, str], number: int) -> None:
    arguments = command("jobs", "watch", "--json", "--interval", "0.1")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(arguments, cwd=ROOT, env=environ, **pipes) as watching:  # type: ignore[call-overload]  # both are texts
        assert watching.stdout
        lines = [watching.stdout.readline() for _ in range(3)]
        watching.send_signal(number)
        rest, complaints = watching.communicate(timeout=PATIENCE_SECONDS)
    assert watching.returncode == 0
    assert complaints == ""
    for line in (*lines, *rest.splitlines()):
        assert json.loads(line).keys() == {"at", "queues", "total"}


def test_a_watch_on_a_terminal_is_drawn_anew_until_ctrl_c(environ: dict[str, str]) -> None:
    with at_a_terminal(environ, "jobs", "watch", "--interval", "0.1") as (watching, terminal):
        shown = until(terminal, b"\x1b[7A\x1b[J", times=2)
        os.write(terminal, b"\x03")
        shown += until(terminal, None)
        assert watching.wait(PATIENCE_SECONDS) == 0
    assert b"QUEUE" in shown
    assert b"Traceback" not in shown
    assert b"Aborted" not in shown


@contextmanager
def at_a_terminal(environ: dict[str, str], *arguments: str) -> Generator[tuple[subprocess.Popen[bytes], int]]:
    """A process whose terminal is the other end of what is handed out; 100 columns wide."""
    master, slave = os.openpty()
    try:
        watching = subprocess.Popen(
            command(*arguments),
            cwd=ROOT,
            env=environ | {"COLUMNS": "100"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=controlling,  # noqa: PLW1509 (one thread: Ctrl-C is for who has the terminal)
        )
        os.close(slave)
        with watching:
            yield watching, master
    finally:
        os.close(master)


def controlling() -> None:
    """Make standard input the terminal that sends signals."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def until(terminal: int, awaited: bytes | None, times: int = 1) -> bytes:
    """What was written until something came so often; with None, until the other end is closed."""
    shown, end = b"", time.monotonic() + PATIENCE_SECONDS
    while awaited is None or shown.count(awaited) < times:
        assert time.monotonic() < end, shown
        if select.select([terminal], [], [], 1)[0]:
            try:
                shown += os.read(terminal, 65536)
            except OSError:  # the other end was closed
                return shown
    return shown
