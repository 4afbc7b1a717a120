"""Taking checkpoints off the box: to a file, or to whoever takes them by POST (ASVS 16.4.3)."""

import asyncio
import os
import ssl
import stat
from collections.abc import Sequence
from contextlib import closing
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from typing_extensions import override

from revenge_core.activity.entities import Checkpoint
from revenge_core.activity.errors import ShippingFailed
from revenge_core.activity.policy import line_of
from revenge_core.activity.ports import CheckpointShipper
from revenge_core.secrets import Secret

TIMEOUT_SECONDS: Final = 15.0
MEDIA_TYPE: Final = "application/x-ndjson"


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
    """Sends lines by POST; any answer but a plain success means that they did not arrive. Redirects are none."""

    def __init__(self, url: str, token: Secret | None = None, context: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 443
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
            status = await asyncio.to_thread(self._post, b"".join(map(line_of, checkpoints)))
        except (OSError, HTTPException) as problem:
            raise ShippingFailed(f"{self._host} cannot be reached: {problem!s}") from problem
        if not 200 <= status < 300:  # noqa: PLR2004 -- the statuses of RFC 9110, 15.3
            raise ShippingFailed(f"{self._host} answers with status {status}")

    def _post(self, lines: bytes) -> int:
        headers = {"Content-Type": MEDIA_TYPE, "User-Agent": "revenge"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token.reveal()}"
        context = self._context or ssl.create_default_context()
        connection = HTTPSConnection(self._host, self._port, timeout=TIMEOUT_SECONDS, context=context)
        with closing(connection):
            connection.request("POST", self._target, lines, headers)
            return connection.getresponse().status
