"""Pictures drawn anew by Pillow, each in a process of its own: `pictures_draw` says why."""

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec
from typing_extensions import override

from revenge_core.errors import FieldProblem
from revenge_core.users.entities import AvatarRules, Picture
from revenge_core.users.errors import PictureInvalid, PicturesBusy
from revenge_core.users.ports import Pictures

AT_ONCE: Final = 2
WAITING: Final = 8
TIMEOUT: Final = timedelta(seconds=20)
RETRY_AFTER_SECONDS: Final = 2.0
MEDIA_TYPE: Final = "image/webp"
"""What every browser in use shows, with transparency, at half the size of PNG or JPEG."""
PROGRAM: Final = Path(__file__).with_name("pictures_draw.py")

_log = logging.getLogger("revenge.pictures")


class Drawn(msgspec.Struct, frozen=True):
    """The first line that the program writes."""

    width: int = 0
    height: int = 0
    problem: str | None = None


class PillowPictures(Pictures):
    """At most two processes draw and eight uploads wait; one more is refused with PicturesBusy at once."""

    def __init__(self, *, program: Path = PROGRAM, timeout: timedelta = TIMEOUT) -> None:
        self._program = program
        self._timeout = timeout
        self._running = asyncio.Semaphore(AT_ONCE)
        self._places = AT_ONCE + WAITING

    @override
    async def redraw(self, upload: bytes, rules: AvatarRules) -> Picture:
        async with self._place():
            told = msgspec.json.encode(rules, order="deterministic").decode()
            line, _, content = (await self._run(told, upload)).partition(b"\n")
        try:
            drawn = msgspec.json.decode(line, type=Drawn)
        except msgspec.DecodeError:  # whoever wrote that is not our program any more
            raise _unreadable() from None
        if drawn.problem is not None:
            raise PictureInvalid(problems=[FieldProblem(pointer="/file", detail=drawn.problem)])
        return Picture(content=content, media_type=MEDIA_TYPE, width=drawn.width, height=drawn.height)

    @asynccontextmanager
    async def _place(self) -> AsyncGenerator[None]:
        if self._places == 0:
            raise PicturesBusy(retry_after=RETRY_AFTER_SECONDS)
        self._places -= 1
        try:
            async with self._running:
                yield
        finally:
            self._places += 1

    async def _run(self, rules: str, upload: bytes) -> bytes:
        """What the program writes, from an empty environment.

        Raises:
            PictureInvalid: it crashed, or took too long or too much: whatever was uploaded is not worth more.
            PicturesBusy: it cannot be started, or Pillow is not installed.
        """
        if find_spec("PIL") is None:
            _log.error("pictures cannot be drawn: `revenge[pictures]` is not installed")
            raise PicturesBusy("This server draws no pictures")
        # -I: it sees the installed packages, and nothing of the folder or the environment of whoever started us.
        command = (sys.executable, "-I", str(self._program), rules)
        pipe = subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=pipe, stdout=pipe, stderr=pipe, env={}, cwd=os.sep
            )
        except OSError as problem:
            _log.error("pictures cannot be drawn: %s", problem)
            raise PicturesBusy(retry_after=RETRY_AFTER_SECONDS) from problem
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                drawn, complaints = await process.communicate(upload)
        except TimeoutError:
            drawn, complaints = b"", b"it took too long"
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        if process.returncode != 0 or not drawn:
            lines = complaints.decode("utf-8", "replace").splitlines()
            _log.warning("drawing a picture ended with %s: %s", process.returncode, lines[-1] if lines else "")
            raise _unreadable()
        return drawn


def _unreadable() -> PictureInvalid:
    return PictureInvalid(problems=[FieldProblem(pointer="/file", detail="cannot be read as a picture")])
