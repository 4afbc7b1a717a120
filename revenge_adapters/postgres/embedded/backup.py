"""Back up the embedded database with pg_dump (rulings R32)."""

import os
import re
import secrets
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Final

from revenge_adapters.postgres.embedded.account import RunAs
from revenge_adapters.postgres.embedded.binaries import Installation
from revenge_adapters.postgres.embedded.errors import EmbeddedPostgresError
from revenge_adapters.postgres.embedded.files import make_private_directory, open_ours, sync_directory
from revenge_adapters.postgres.embedded.process import run

KEPT: Final = 3
"""How many backups stay; older ones are removed once a new one is on disk."""

DUMP_TIMEOUT: Final = 6 * 3600.0
"""Seconds; only there so that nothing hangs for good."""

LOCK_TIMEOUT: Final = 60_000
"""Milliseconds that pg_dump waits for somebody who changes the schema."""

_NAME: Final = re.compile(r"\d{8}T\d{6}Z-.+\.dump")


def write_dump(installation: Installation, url: str, directory: Path, label: str, now: datetime) -> Path:
    """Dump the database at `url` into `directory`, named by time and label; the newest three stay.

    The file appears complete and on disk, or not at all. Raises EmbeddedPostgresError.
    """
    home = directory.parent.stat()
    owner = RunAs(home.st_uid, home.st_gid, switch=os.geteuid() == 0)
    make_private_directory(directory, owner)
    for leftover in directory.glob(".dump-*"):
        leftover.unlink(missing_ok=True)
    safe = re.sub(r"[^A-Za-z0-9._-]+", "_", label) or "unnamed"
    target = directory / f"{now:%Y%m%dT%H%M%SZ}-{safe}.dump"
    fresh = directory / f".dump-{secrets.token_hex(4)}"
    command = [installation.program("pg_dump"), "--format=custom", "--no-password", f"--file={fresh}"]
    command += [f"--lock-wait-timeout={LOCK_TIMEOUT}", f"--dbname={url}"]
    try:
        done = run(command, RunAs(os.geteuid(), os.getegid()), timeout=DUMP_TIMEOUT)
        complaint = done.stderr.strip() if done.returncode else ""
    except (OSError, subprocess.TimeoutExpired) as problem:
        complaint = str(problem)
    if complaint:
        fresh.unlink(missing_ok=True)
        raise EmbeddedPostgresError(
            f"The database could not be backed up to {target}: {complaint}.",
            next_step="Nothing was changed. Check free space there and the server's log, then try again.",
        )
    descriptor = open_ours(fresh, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
    fresh.rename(target)
    sync_directory(directory)
    _forget_old(directory)
    return target


def _forget_old(directory: Path) -> None:
    backups = sorted(path for path in directory.iterdir() if _NAME.fullmatch(path.name))
    for path in backups[:-KEPT]:
        path.unlink(missing_ok=True)
