"""What goes on for long: lines that are drawn again on a terminal, and an end that the user chooses."""

import asyncio
import os
import shutil
import signal
import sys
import time
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import contextmanager
from typing import Final

import click

from revenge_cli.render import width_of

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
MOST_SECONDS_AT_A_TERMINAL: Final = 1.0
SECONDS_ELSEWHERE: Final = 10.0


def is_terminal(*, err: bool = False) -> bool:
    """Whether lines can be drawn again on standard output, or on standard error."""
    return (sys.stderr if err else sys.stdout).isatty() and os.environ.get("TERM") != "dumb"


class Screen:
    """The last lines of a terminal, drawn again and again."""

    def __init__(self, *, err: bool = False) -> None:
        self._rows = 0
        self._err = err

    def draw(self, lines: Sequence[str]) -> None:
        """Replace what was drawn before; a line that is too long takes several rows."""
        back = f"\x1b[{self._rows}A" if self._rows else ""
        (sys.stderr if self._err else sys.stdout).write(f"{back}\x1b[J")  # click would strip it together with colours
        click.echo("\n".join(lines), err=self._err)
        columns = shutil.get_terminal_size().columns
        self._rows = sum(max(1, -(-width_of(click.unstyle(line)) // columns)) for line in lines)


class ProgressLine:
    """How far a command is, told on standard error: drawn on a terminal, elsewhere a line from time to time."""

    def __init__(self) -> None:
        self._screen = Screen(err=True) if is_terminal(err=True) else None
        self._told = time.monotonic()

    def show(self, line: str) -> None:
        """Tell it, if it is time."""
        if self._screen is not None:
            self._screen.draw([line])
        elif time.monotonic() - self._told >= SECONDS_ELSEWHERE:
            self._told = time.monotonic()
            click.echo(line, err=True)


class Watch:
    """Beats until somebody has had enough: Ctrl-C and SIGTERM are the usual end of it, and no failure."""

    def __init__(self) -> None:
        self._over = asyncio.Event()

    @contextmanager
    def until_told(self) -> Generator[None]:
        """Listen to signals inside the block."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._over.set)
        try:
            yield
        finally:
            for number in SIGNALS:
                loop.remove_signal_handler(number)

    async def beats(self, seconds: float) -> AsyncGenerator[None]:
        """Now, and after so many seconds each, until told to stop."""
        while not self._over.is_set():
            yield
            try:
                await asyncio.wait_for(self._over.wait(), seconds)
            except TimeoutError:
                continue
