"""One shell per page of the documentation, as a reader would have one terminal."""

import os
import re
import secrets
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Final

PATIENCE: Final = 60.0
"""Seconds for one block."""
GRACE: Final = 15.0
"""Seconds for what was left running to end by itself."""
STILL_THERE: Final = 0
"""The signal that only asks."""


class Shell:
    """A bash that reads blocks from its standard input, in a process group of its own."""

    def __init__(self, folder: Path) -> None:
        bash = shutil.which("bash")
        assert bash is not None, "the pages need bash"
        self._printed = ""
        self._port = str(_free_port())
        self._process = subprocess.Popen(
            [bash, "--noprofile", "--norc", "-eo", "pipefail"],
            cwd=folder,
            env=_environment(folder, self._port),
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def run(self, block: str) -> None:
        """Type the block and wait until it is done; the shell ends at the first command that fails."""
        end = f"done {secrets.token_hex(8)}"
        typed = block.replace("8096", self._port)
        try:
            # What reads its standard input must not eat the rest of the page.
            _open(self._process.stdin).write(f"{{\n{typed}\n}} </dev/null\necho; echo {end}\n".encode())
        except BrokenPipeError:
            raise AssertionError("an earlier block of this page ended the shell") from None
        printed, ended = self._read(end.encode())
        self._printed = printed.decode(errors="replace").replace(self._port, "8096")
        if not ended:
            raise AssertionError(f"the shell ended, or said nothing for {PATIENCE:.0f} s:\n{block}\n{self._printed}")

    def expect(self, output: str) -> None:
        """Compare what the last block printed; `…` stands for anything."""
        pattern = ".*?".join(re.escape(part) for part in output.strip().split("…"))
        if not re.fullmatch(pattern, self._printed.strip(), re.DOTALL):
            raise AssertionError(f"expected:\n{output}\nprinted:\n{self._printed}")

    def close(self) -> None:
        """End the shell and all that it started."""
        _open(self._process.stdin).close()
        for number in (signal.SIGTERM, signal.SIGKILL):
            deadline = time.monotonic() + GRACE
            left = _signalled(self._process.pid, number)
            while left and time.monotonic() < deadline:
                time.sleep(0.02)
                self._process.poll()  # a zombie would count as a member of the group
                left = _signalled(self._process.pid, STILL_THERE)
        self._process.wait()
        _open(self._process.stdout).close()

    def _read(self, end: bytes) -> tuple[bytes, bool]:
        """All up to the line `end`, and whether it came."""
        output = _open(self._process.stdout)
        printed = bytearray()
        deadline = time.monotonic() + PATIENCE
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            while not printed.endswith(b"\n" + end + b"\n"):
                if not selector.select(deadline - time.monotonic()):
                    return bytes(printed), False
                piece = os.read(output.fileno(), 65536)
                if not piece:
                    return bytes(printed), False
                printed += piece
        return bytes(printed.removesuffix(b"\n" + end + b"\n")), True


def _environment(folder: Path, port: str) -> dict[str, str]:
    """A newcomer's: an empty home, nothing of ours set but the port, and the programs of this environment at hand."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("REVENGE_", "PYTHON", "XDG_"))}
    programs = Path(sys.executable).parent
    path = f"{programs}{os.pathsep}{kept['PATH']}"
    return {**kept, "HOME": str(folder), "PATH": path, "NO_PROXY": "*", "REVENGE_SERVER_PORT": port}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _open(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


def _signalled(group: int, number: int) -> bool:
    """Send a signal to every process of the group; False when none is left."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True
