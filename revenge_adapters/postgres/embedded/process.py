"""Run PostgreSQL's programs: bound to our life, under another identity, with a clean environment."""

import ctypes
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from revenge_adapters.postgres.embedded.account import RunAs

ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C", "TZ": "UTC"}
"""All that the programs see: no PGDATA, PGPORT or LD_PRELOAD of the caller."""

PROC = Path("/proc")


def run(command: Sequence[str], run_as: RunAs, *, timeout: float) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; it dies with us. Its errors are in `stderr`, its verdict in `returncode`.

    Raises OSError when it cannot be started, TimeoutExpired after `timeout` seconds.
    """
    prefix, prepare = _dies_with_us(signal.SIGKILL)
    return subprocess.run(  # noqa: S603 - programs of the installation, no shell
        run_as.command([*prefix, *command]),
        user=run_as.user,
        group=run_as.group,
        extra_groups=run_as.extra_groups,
        preexec_fn=prepare,
        cwd="/",
        env=ENVIRONMENT,
        umask=0o077,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout,
        check=False,
    )


def spawn(command: Sequence[str], run_as: RunAs, *, output: int) -> subprocess.Popen[bytes]:
    """Start a server that gets SIGINT (a fast shutdown) when this process ends, however it ends.

    The kernel sends the signal when the starting *thread* ends (rulings R31), so a
    daemon thread starts it and then waits for it: that thread lives as long as the
    server or the process, whoever called us, and leaves no zombie behind.
    `output` is a file descriptor. Raises OSError when it cannot be started.
    """
    prefix, prepare = _dies_with_us(signal.SIGINT)
    answer: queue.SimpleQueue[subprocess.Popen[bytes] | Exception] = queue.SimpleQueue()

    def keep() -> None:
        try:
            child = subprocess.Popen(  # noqa: S603 - the same
                run_as.command([*prefix, *command]),
                user=run_as.user,
                group=run_as.group,
                extra_groups=run_as.extra_groups,
                preexec_fn=prepare,  # noqa: PLW1509 - None wherever setpriv exists
                cwd="/",
                env=ENVIRONMENT,
                umask=0o077,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C at our terminal is not meant for the server
            )
        except (OSError, subprocess.SubprocessError) as problem:
            answer.put(problem)
            return
        answer.put(child)
        child.wait()

    threading.Thread(target=keep, name="revenge-postgres-keeper", daemon=True).start()
    started = answer.get()
    if isinstance(started, Exception):
        raise OSError(str(started)) from started
    return started


def _dies_with_us(number: signal.Signals) -> tuple[list[str], Callable[[], object] | None]:
    """Return a command prefix, or else a function for the child, that sets the parent-death signal.

    It must be set after the identity changed, because the change clears it.
    """
    if sys.platform != "linux":
        return [], None
    setpriv = shutil.which("setpriv")
    if setpriv is not None:
        return [setpriv, "--pdeathsig", number.name.removeprefix("SIG"), "--"], None
    set_death_signal = 1
    return [], partial(ctypes.CDLL(None).prctl, set_death_signal, int(number))


def is_server(pid: int, data: Path, run_as: RunAs) -> bool:
    """Say whether `pid` is a living PostgreSQL process of the data directory; a zombie is not.

    Process numbers are used again, above all in containers, so the name and the
    working directory have to fit as well.
    """
    if not (PROC / "self").exists():
        return _is_server_by_ps(pid)
    try:
        stat = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    name, _, rest = stat.partition("(")[2].rpartition(")")
    if name != "postgres" or rest.split()[0] in {"Z", "X"}:
        return False
    try:
        return (PROC / str(pid) / "cwd").samefile(data)
    except PermissionError:  # root in a container without CAP_SYS_PTRACE sees less than the server's user
        return run_as.passes(PROC / str(pid) / "cwd", "-ef", data)
    except OSError:
        return False


def _is_server_by_ps(pid: int) -> bool:
    """Answer where there is no /proc (macOS)."""
    command = [shutil.which("ps") or "/bin/ps", "-o", "stat=,comm=", "-p", str(pid)]
    shown = subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603 - no shell
    state, _, name = shown.strip().partition(" ")
    return not state.startswith("Z") and Path(name.strip()).name == "postgres"


def server_processes(data: Path, run_as: RunAs) -> Iterator[int]:
    """Yield every process of the data directory's server; nothing where there is no /proc."""
    if PROC.is_dir():
        for entry in PROC.iterdir():
            if entry.name.isdecimal() and is_server(int(entry.name), data, run_as):
                yield int(entry.name)
