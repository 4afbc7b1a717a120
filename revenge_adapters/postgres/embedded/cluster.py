"""One PostgreSQL data directory: make, start, stop it, and say whether it runs.

Nothing here locks: the caller makes sure that one process at a time makes,
starts or stops a cluster (`server.EmbeddedServer`, or a test pool that owns its own).
"""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Self
from urllib.parse import quote

from psycopg import pq

from revenge_adapters.postgres.embedded.account import RunAs, choose, preferred
from revenge_adapters.postgres.embedded.binaries import Installation, find_installation
from revenge_adapters.postgres.embedded.config import PG_HBA_CONF, POSTGRESQL_CONF, revenge_conf
from revenge_adapters.postgres.embedded.errors import EmbeddedPostgresError
from revenge_adapters.postgres.embedded.files import (
    PORT,
    copy_installation,
    make_home,
    make_private_directory,
    open_ours,
    socket_directory,
    sync_directory,
    tail,
    write_private,
)
from revenge_adapters.postgres.embedded.process import is_server, run, server_processes, spawn

SUPERUSER = "postgres"

INITDB_TIMEOUT = 120.0
START_TIMEOUT = 60.0
"""Seconds; recovery after a crash replays at most `max_wal_size` and is part of it."""
FAST_STOP_TIMEOUT = 20.0
IMMEDIATE_STOP_TIMEOUT = 5.0
PAUSE = 0.01
LOG_DAYS = 6.0


class Answer(Enum):
    """What the server says when somebody connects."""

    ACCEPTS = "accepts connections"
    REJECTS = "is starting up or shutting down"
    SILENT = "does not answer"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A data directory `home/postgres`, the programs for it and the user that runs them."""

    home: Path
    installation: Installation
    run_as: RunAs
    socket: Path
    """The directory of the unix socket."""
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    """What wins over `config.SETTINGS`."""

    @classmethod
    def prepare(
        cls, home: Path, *, installation: Path | None = None, settings: Mapping[str, str] | None = None
    ) -> Self:
        """Make `home` if needed and decide who runs what; starts nothing.

        Raises EmbeddedPostgresError when no programs fit (rulings R32) or no user can run them (R30).
        """
        home = home.resolve()
        make_home(home, preferred())
        data = home / "postgres"
        run_as = choose(home, data)
        return cls(home, find_installation(data, explicit=installation), run_as, socket_directory(home), settings or {})

    @property
    def data(self) -> Path:
        """PostgreSQL's own data directory."""
        return self.home / "postgres"

    @property
    def startup_log(self) -> Path:
        """What the server says before its log file is open; from the latest start only."""
        return self.home / "postgres-startup.log"

    def url(self, user: str = SUPERUSER, database: str = "postgres") -> str:
        """Return a libpq URL over the unix socket; there is no password."""
        host = quote(str(self.socket), safe="")
        return f"postgresql:///{quote(database)}?host={host}&port={PORT}&user={quote(user)}"

    def log_file(self) -> Path:
        """Return the log the server writes now, or the startup log before there is one."""
        logs = list((self.data / "log").glob("postgresql-*.log"))
        return max(logs, key=lambda path: path.stat().st_mtime) if logs else self.startup_log

    def log_tail(self) -> str:
        """Return the last lines of both logs, for error messages."""
        return "\n".join(filter(None, dict.fromkeys(map(tail, (self.startup_log, self.log_file())))))

    # making

    def exists(self) -> bool:
        """Say whether the data directory has been made completely."""
        return (self.data / "PG_VERSION").exists()

    def initialise(self, *, sync: bool = True) -> None:
        """Make the data directory: built beside its place and renamed, so that a crash leaves nothing half done.

        What an interrupted attempt left is removed first. `sync=False` skips waiting for the disk (tests).
        Raises EmbeddedPostgresError, also when something else is in its place.
        """
        for leftover in self.home.glob("postgres.new-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        if self.data.exists():
            raise EmbeddedPostgresError(
                f"{self.data} exists but holds no PostgreSQL database (no PG_VERSION).",
                next_step="Move it away to start empty, or put the database back from a backup.",
            )
        fresh = self.home / f"postgres.new-{secrets.token_hex(4)}"
        make_private_directory(fresh, self.run_as)
        programs = self._reachable_programs()
        command = [programs.program("initdb"), "-D", str(fresh), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8"]
        command += [*_locale(programs.major), "--data-checksums", "--no-instructions", *([] if sync else ["--no-sync"])]
        try:
            done = run(command, self.run_as, timeout=INITDB_TIMEOUT)
            complaint = done.stderr if done.returncode else ""
        except (OSError, subprocess.TimeoutExpired) as problem:
            complaint = str(problem)
        if complaint:
            shutil.rmtree(fresh, ignore_errors=True)
            raise EmbeddedPostgresError(
                f"initdb of PostgreSQL {programs.version} could not make a data directory in {self.home}.",
                next_step="Check free space and permissions there, then start again.",
                log=complaint.strip(),
            )
        write_private(fresh / "postgresql.conf", POSTGRESQL_CONF, self.run_as)
        write_private(fresh / "pg_hba.conf", PG_HBA_CONF, self.run_as)
        fresh.rename(self.data)
        sync_directory(self.home)

    # running

    def pid(self) -> int | None:
        """Return the postmaster's process number, or None when none lives; a zombie does not."""
        pid = self._noted_pid()
        return pid if pid is not None and is_server(pid, self.data, self.run_as) else None

    def answer(self) -> Answer:
        """Connect as a client would and say what came of it; takes milliseconds, 2 s against a stopped process."""
        answer = pq.Ping(pq.PGconn.ping(f"{self.url()}&connect_timeout=2".encode()))
        return {pq.Ping.OK: Answer.ACCEPTS, pq.Ping.REJECT: Answer.REJECTS}.get(answer, Answer.SILENT)

    def start(self, *, timeout: float = START_TIMEOUT) -> bool:
        """Start the server unless it runs, wait until it accepts connections; say whether this call started it.

        One that is just shutting down is awaited and started again. Raises EmbeddedPostgresError.
        """
        deadline = time.monotonic() + timeout
        child: subprocess.Popen[bytes] | None = None
        while True:
            if child is None and self.pid() is None:
                child = self._spawn()
            if self.answer() is Answer.ACCEPTS:
                return child is not None
            if child is not None and child.returncode is not None:
                if not self._worth_another_try() or time.monotonic() > deadline:
                    raise EmbeddedPostgresError(
                        f"PostgreSQL {self.installation.version} did not start on {self.data}.",
                        next_step=f"See {self.log_file()}.",
                        log=self.log_tail(),
                    )
                child = None
            elif time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    f"PostgreSQL (process {self.pid()}) {self.answer().value} on {self.socket} after {timeout:.0f} s.",
                    next_step="If the log shows a recovery, wait and try again; else stop that process (kill -INT).",
                    log=self.log_tail(),
                )
            time.sleep(PAUSE)

    def stop(self) -> None:
        """Shut down fast (clients are cut off, nothing is lost), if need be immediately (recovery at the next start).

        Returns when the process is gone. Raises EmbeddedPostgresError when it will not go.
        """
        pid = self.pid()
        if pid is None:
            return
        for number, patience in ((signal.SIGINT, FAST_STOP_TIMEOUT), (signal.SIGQUIT, IMMEDIATE_STOP_TIMEOUT)):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                return
            deadline = time.monotonic() + patience
            while time.monotonic() < deadline:
                if not is_server(pid, self.data, self.run_as):
                    self._remove_socket_directory()
                    return
                time.sleep(PAUSE)
        raise EmbeddedPostgresError(
            f"PostgreSQL (process {pid}) on {self.data} does not stop.",
            next_step="It is probably waiting for a disk; see the log.",
            log=self.log_tail(),
        )

    # details

    def _remove_socket_directory(self) -> None:
        """Leave nothing behind in a directory that is not ours."""
        if self.home not in self.socket.parents:
            with contextlib.suppress(OSError):
                self.socket.rmdir()

    def _reachable_programs(self) -> Installation:
        if self.run_as.passes("-x", self.installation.bin / "postgres"):
            return self.installation
        return copy_installation(self.installation, self.home)

    def _spawn(self) -> subprocess.Popen[bytes]:
        programs = self._reachable_programs()
        make_private_directory(self.socket, self.run_as)
        self._clear_leftovers()
        self._forget_old_logs()
        write_private(self.data / "revenge.conf", revenge_conf(programs.major, self.settings), self.run_as)
        socket = str(self.socket).replace('"', '""')
        command = [programs.program("postgres"), "-D", str(self.data), "-c", "listen_addresses="]
        command += ["-c", f"port={PORT}", "-c", "unix_socket_permissions=0700"]
        command += ["-c", f'unix_socket_directories="{socket}"']
        output = open_ours(self.startup_log, os.O_WRONLY | os.O_TRUNC)
        try:
            return spawn(command, self.run_as, output=output)
        except OSError as problem:
            raise EmbeddedPostgresError(
                f"PostgreSQL cannot be run from {programs.bin}: {problem}.",
                next_step="Check the installation.",
            ) from problem
        finally:
            os.close(output)

    def _noted_pid(self) -> int | None:
        try:
            return int((self.data / "postmaster.pid").read_text(encoding="utf-8", errors="replace").split("\n", 1)[0])
        except (OSError, ValueError):
            return None

    def _clear_leftovers(self) -> None:
        """Remove what a server that died left behind and a new one would stumble over.

        PostgreSQL refuses to start while the noted process number is in use, and it is used again
        soon in a container. The file itself stays: its other lines guard the shared memory of the dead server.
        """
        noted = self.data / "postmaster.pid"
        if noted.exists():
            for pid in server_processes(self.data, self.run_as):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)  # what outlives a killed postmaster would block its successor
            _, _, rest = noted.read_text(encoding="utf-8", errors="replace").partition("\n")
            if rest and self._noted_pid() is not None:
                write_private(noted, f"{2**31 - 2}\n{rest}", self.run_as)  # a number no process has
            else:
                noted.unlink()  # the server died while it wrote it, before it had shared memory
        for name in (f".s.PGSQL.{PORT}", f".s.PGSQL.{PORT}.lock"):
            (self.socket / name).unlink(missing_ok=True)

    def _worth_another_try(self) -> bool:
        """Say whether a start failed because of processes that are about to go, or met a server started elsewhere."""
        return self.pid() is not None or "still in use" in tail(self.startup_log)

    def _forget_old_logs(self) -> None:
        """Remove logs of an earlier week: PostgreSQL empties them only when it runs at midnight."""
        try:
            directory = os.open(self.data / "log", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            return
        try:
            oldest = time.time() - LOG_DAYS * 86400
            for name in os.listdir(directory):  # noqa: PTH208 - by descriptor, past links
                if name.startswith("postgresql-") and os.stat(name, dir_fd=directory).st_mtime < oldest:
                    os.unlink(name, dir_fd=directory)
        finally:
            os.close(directory)


def _locale(major: int) -> list[str]:
    """Order by code point everywhere; orders that people see are made in the schema (design: platforms.md)."""
    characters = "C.UTF-8" if sys.platform == "linux" else "UTF-8"
    if major >= 17:  # noqa: PLR2004 - brought the builtin provider
        return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", f"--lc-ctype={characters}"]
    return ["--locale=C", "--lc-collate=C.UTF-8", f"--lc-ctype={characters}"]
