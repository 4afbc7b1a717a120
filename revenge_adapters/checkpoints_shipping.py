"""Taking checkpoints off the box: to a file, or to whoever takes them by POST (ASVS 16.4.3)."""

import asyncio
import os
import re
import ssl
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from typing_extensions import override

from revenge_core.activity.entities import Checkpoint
from revenge_core.activity.errors import ShippingFailed
from revenge_core.activity.policy import LONGEST_LINE, line_of
from revenge_core.activity.ports import CheckpointShipper
from revenge_core.secrets import Secret

TIMEOUT_SECONDS: Final = 15.0
MEDIA_TYPE: Final = "application/x-ndjson"
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})[ \r\n]")


class NoShipper(CheckpointShipper):
    """Checkpoints stay where they are."""

    @property
    @override
    def is_on(self) -> bool:
        return False

    @override
    async def ship(self, checkpoints: Sequence[Checkpoint]) -> None:
        raise ShippingFailed("audit.ship_to is not set")


class FileShipper(CheckpointShipper):
    """Appends lines to a file, and waits for the disk. Never through a link, never into anything but a plain file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    @override
    def is_on(self) -> bool:
        return True

    @override
    async def ship(self, checkpoints: Sequence[Checkpoint]) -> None:
        try:
            await asyncio.to_thread(self._append, b"".join(map(line_of, checkpoints)))
        except OSError as problem:
            raise ShippingFailed(f"{self._path}: {problem.strerror or problem}") from problem

    def _append(self, lines: bytes) -> None:
        # O_NONBLOCK: of a pipe without a reader it makes an error instead of a wait.
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        file = os.open(self._path, flags, 0o600)
        try:
            status = os.fstat(file)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(f"{self._path} is no plain file")
            torn = status.st_size > 0 and os.pread(file, 1, status.st_size - 1) != b"\n"
            rest = memoryview(b"\n" + lines if torn else lines)  # somebody stopped half-way through a line
            while rest:
                rest = rest[os.write(file, rest) :]
            os.fsync(file)
        finally:
            os.close(file)
        if not status.st_size:
            self._keep_name()

    def _keep_name(self) -> None:
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


class HttpsShipper(CheckpointShipper):
    """Sends lines by POST; any answer but a plain success means that they did not arrive. Redirects are none.

    All of it has one deadline, whoever is at the other end: one that answers a byte at a time, or for ever, would keep
    a thread of `http.client` for as long as it likes.
    """

    def __init__(self, url: str, token: Secret | None = None, context: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 443
        self._place = parts.netloc.rpartition("@")[2]
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._token = token
        self._context = context

    @property
    @override
    def is_on(self) -> bool:
        return True

    @override
    async def ship(self, checkpoints: Sequence[Checkpoint]) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                status = await self._post(b"".join(map(line_of, checkpoints)))
        except (OSError, ValueError) as problem:
            why = str(problem) or "no answer in time"
            raise ShippingFailed(f"{self._host} cannot be reached: {why}") from problem
        if not 200 <= status < 300:  # noqa: PLR2004 -- the statuses of RFC 9110, 15.3
            raise ShippingFailed(f"{self._host} answers with status {status}")

    async def _post(self, lines: bytes) -> int:
        context = self._context or await asyncio.to_thread(ssl.create_default_context)
        reader, writer = await asyncio.open_connection(self._host, self._port, ssl=context, limit=LONGEST_LINE)
        try:
            writer.write(self._head(len(lines)) + lines)
            await writer.drain()
            return await _status(reader)
        finally:
            writer.transport.abort()

    def _head(self, length: int) -> bytes:
        fields = {
            "Host": self._place,
            "User-Agent": "revenge",
            "Content-Type": MEDIA_TYPE,
            "Content-Length": str(length),
            "Connection": "close",
        }
        if self._token is not None:
            fields["Authorization"] = f"Bearer {self._token.reveal()}"
        told = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"POST {self._target} HTTP/1.1\r\n{told}\r\n".encode("ascii")


async def _status(reader: asyncio.StreamReader) -> int:
    """The final one; those that say that there is more to come are passed over (RFC 9110, 15.2).

    Raises:
        ValueError: it is no HTTP, or a line is too long.
    """
    while True:
        said = _STATUS.match(await reader.readline())
        if said is None:
            raise ValueError("the answer is no HTTP")
        if said[1] >= b"200":
            return int(said[1])
        while (await reader.readline()).strip():
            pass
