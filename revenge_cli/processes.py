"""Several processes of one command, kept running until told to stop.

They are told by their standard input, not by signals: that of a process whose supervisor is killed ends, so none is
left behind, and a signal that a terminal or systemd sends to all of them at once does not count twice.
"""

import asyncio
import signal
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from typing import Final

STOP: Final = b"s"
STOP_NOW: Final = b"n"
FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 30.0
SIGNALLED: Final = 128
"""A shell adds this to the number of the signal that ended a process."""
STEADY_SECONDS: Final = 60.0
"""Who ran for so long and dies is started again after the first pause."""


class Crew:
    """One process of `command` for each environment. Each says on a line of its output that it works.

    One that dies is started again; one that ends before any has ever worked ends all: the same would happen again.
    """

    def __init__(
        self, command: Sequence[str], environs: Sequence[Mapping[str, str]], say: Callable[[str], object]
    ) -> None:
        self._command = command
        self._environs = environs
        self._say = say
        self._processes: set[Process] = set()
        self._stopping = asyncio.Event()
        self._worked = False
        self._code = 0

    def work(self, show: Callable[[str], object]) -> int:
        """Run them until told to stop, and show what they say; the exit code of the first that failed for good."""
        asyncio.run(self._work(show))
        return self._code

    async def _work(self, show: Callable[[str], object]) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled)
        async with asyncio.TaskGroup() as group:
            for environ in self._environs:
                group.create_task(self._keep_one(environ, show))

    def _signalled(self) -> None:
        self._tell(STOP_NOW if self._stopping.is_set() else STOP)

    def _tell(self, what: bytes) -> None:
        self._stopping.set()
        for process in self._processes:
            if process.stdin is not None and not process.stdin.is_closing():
                process.stdin.write(what)

    async def _keep_one(self, environ: Mapping[str, str], show: Callable[[str], object]) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._stopping.is_set():
            began = time.monotonic()
            code = await self._run_one(environ, show)
            if self._stopping.is_set():
                self._code = self._code or code
            elif not self._worked:
                self._code = code or 1
                self._tell(STOP)
            else:
                pause = FIRST_PAUSE_SECONDS if time.monotonic() - began > STEADY_SECONDS else pause
                self._say(f"Warning: a process ended with {code}; it is started again in {pause:g} s")
                await self._pause(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _run_one(self, environ: Mapping[str, str], show: Callable[[str], object]) -> int:
        process = await asyncio.create_subprocess_exec(*self._command, env=environ, stdin=PIPE, stdout=PIPE)
        self._processes.add(process)
        if self._stopping.is_set():  # said while it was being started
            self._tell(STOP)
        try:
            if process.stdout is not None:
                async for line in process.stdout:
                    self._worked = True
                    show(line.decode(errors="replace").rstrip("\n"))
            code = await process.wait()
            return code if code >= 0 else SIGNALLED - code
        finally:
            self._processes.remove(process)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return
