"""`revenge serve` as a process of its own, and a client small enough not to be what is measured."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Self
from urllib.request import urlopen

import msgspec

REVENGE: Final = Path(sys.executable).with_name("revenge")
LISTENS: Final = "Revenge listens on http://127.0.0.1:"
PATIENCE: Final = 60.0

USUAL: Final = MappingProxyType(
    {
        "LOG_LEVEL": "warning",
        "LIMITS_GLOBAL_RATE": "10000000",
        "LIMITS_GLOBAL_BURST": "10000000",
        "LIMITS_LOGIN_PER_MINUTE": "1000000",
        "LIMITS_ACCOUNT_PER_MINUTE": "1000000",
        "SERVER_TRUSTED_PROXIES": "127.0.0.1/32",
    }
)
"""Requests are counted as in earnest, and one client may send as many as it can."""


@dataclass(frozen=True)
class Served:
    """A server that answers."""

    port: int
    process: "subprocess.Popen[str]"

    def wait_until_ready(self) -> None:
        """Ask until the server calls itself ready."""
        while True:
            with contextlib.suppress(OSError), urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5):
                return
            time.sleep(0.005)


def served(data_dir: Path, **settings: str) -> AbstractContextManager[Served]:
    """Run `revenge serve` on the database in `data_dir` for the length of a block.

    `settings` are variables of its environment, without their prefix: `LOG_LEVEL="debug"`.
    """
    command = [str(REVENGE), "serve", "--data-dir", str(data_dir), "--port", "0"]
    return running(command, {f"REVENGE_{name}": value for name, value in {**USUAL, **settings}.items()})


@contextmanager
def running(
    command: Sequence[str], variables: Mapping[str, str] = MappingProxyType({}), *, patience: float = PATIENCE
) -> Generator[Served]:
    """Run a server that prints where it listens, for `patience` seconds at most; it is told to stop at the end."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REVENGE_")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**environment, **variables}) as process:
        watchdog = threading.Timer(patience, process.kill)
        watchdog.start()
        try:
            yield Served(_port(process), process)
        finally:
            watchdog.cancel()
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE)
            process.kill()


def _port(process: "subprocess.Popen[str]") -> int:
    lines: Iterator[str] = iter(process.stdout or ())
    for line in lines:
        if line.startswith(LISTENS):
            return int(line.removeprefix(LISTENS).rstrip("/\n"))
    raise RuntimeError("the server ended before it listened")


class Client:
    """One connection that is kept open; one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str) -> None:
        self._reader = reader
        self._writer = writer
        self._address = address

    @classmethod
    async def connect(cls, port: int, address: str = "127.0.0.1") -> Self:
        """Connect to a server on this machine, which believes that the connection comes from `address`."""
        return cls(*await asyncio.open_connection("127.0.0.1", port), address)

    async def ask(self, method: str, path: str, *, token: str = "", body: object = None) -> Any:  # noqa: ANN401 -- JSON
        """The decoded body of a good answer; raises RuntimeError for any other."""
        status, raw = await self.exchange(method, path, token=token, body=body)
        if not 200 <= status < 300:
            raise RuntimeError(f"{method} {path} answered {status}: {raw.decode()}")
        return msgspec.json.decode(raw) if raw else None

    async def exchange(self, method: str, path: str, *, token: str = "", body: object = None) -> tuple[int, bytes]:
        """Status and body of whatever the server answers."""
        content = b"" if body is None else msgspec.json.encode(body)
        head = f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nuser-agent: revenge-bench/1\r\n"
        if self._address != "127.0.0.1":
            head += f"x-forwarded-for: {self._address}\r\n"
        if token:
            head += f"authorization: Bearer {token}\r\n"
        if content:
            head += f"content-type: application/json\r\ncontent-length: {len(content)}\r\n"
        self._writer.write(f"{head}\r\n".encode() + content)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        return int(answer[9:12]), await self._reader.readexactly(length)

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        await self._writer.wait_closed()
