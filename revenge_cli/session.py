"""What every command has: options for settings and output, and one object that carries them."""

import asyncio
import json
import math
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import update_wrapper
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import click

from revenge_cli.doors import Doors, LoadedSettings
from revenge_cli.lazy import REPORTED_BY, Command
from revenge_cli.render import Shape, harmless, json_text
from revenge_core.errors import RevengeError
from revenge_core.revenge import Revenge

P = ParamSpec("P")
T = TypeVar("T")

FLAGS: Final = {"data_dir": "data_dir", "database_url": "database.url"}
"""Options that every command with settings has → the settings that they are."""


@dataclass(frozen=True, slots=True)
class Session:
    """One run of one command."""

    doors: Doors
    shape: Shape
    may_ask: bool
    """Whether there is somebody to ask, who wants to be asked."""
    config_file: Path | None
    flags: dict[str, object] = field(default_factory=dict[str, object])

    def load(self, **more: object) -> LoadedSettings:
        """The settings in force, `more` of them given by flags of this command; what was given in vain is told."""
        loaded = self.doors.load_settings(self.flags | more, self.config_file)
        for line in loaded.warnings:
            self.say(f"Warning: {line}")
        return loaded

    def ask(self, question: Callable[[Revenge], Awaitable[T]]) -> T:
        """Open Revenge for one question, or one errand, and close it again."""
        return asyncio.run(self._ask(self.load(), question))

    async def _ask(self, loaded: LoadedSettings, question: Callable[[Revenge], Awaitable[T]]) -> T:
        async with self.doors.open_revenge(loaded) as revenge:
            return await question(revenge)

    def say(self, message: str) -> None:
        """A message for people: never part of the result."""
        click.echo(harmless_lines(message), err=True)

    def announce(self, line: str) -> None:
        """One line of a result that goes on for long, seen at once; in JSON `{"message": …}`."""
        click.echo(json.dumps({"message": line}, ensure_ascii=False) if self.shape is Shape.JSON else line)
        sys.stdout.flush()

    def report(self, error: RevengeError) -> None:
        """Tell what went wrong: an object where JSON is asked for, else text."""
        if self.shape is Shape.JSON:
            problems = [{"pointer": one.pointer, "detail": one.detail} for one in error.problems]
            click.echo(json_text({"error": error.code, "message": error.detail, "errors": problems}), err=True)
            return
        self.say(f"Error: {error.detail}")
        if not any(problem.detail in error.detail for problem in error.problems):
            for problem in error.problems:
                self.say(f"  {problem.pointer.removeprefix('/')}: {problem.detail}")
        if error.retry_after:
            self.say(f"Try again in {math.ceil(error.retry_after)} s.")


def command(
    name: str, *, examples: Sequence[str], settings: bool = True
) -> Callable[[Callable[Concatenate[Session, P], None]], Command]:
    """Make a command of a function that takes a `Session` first; its docstring is the help."""

    def decorate(function: Callable[Concatenate[Session, P], None]) -> Command:
        @click.pass_context
        def run(ctx: click.Context, /, *args: P.args, **kwargs: P.kwargs) -> None:
            session = _session(ctx, kwargs, settings=settings)
            ctx.meta[REPORTED_BY] = session.report
            function(session, *args, **kwargs)

        update_wrapper(run, function)
        wrapped: Callable[..., Any] = run
        for option in (*_OUTPUT, *(_SETTINGS if settings else ())):
            wrapped = option(wrapped)
        return click.command(name, cls=Command, examples=examples)(wrapped)

    return decorate


def _session(ctx: click.Context, options: dict[str, Any], *, settings: bool) -> Session:
    as_json, plain, no_input = (options.pop(name) for name in ("as_json", "plain", "no_input"))
    return Session(
        doors=ctx.obj,
        shape=Shape.JSON if as_json else Shape.PLAIN if plain else Shape.TABLE,
        may_ask=not no_input and sys.stdin.isatty(),
        config_file=options.pop("config", None),
        flags={key: options.pop(option) for option, key in FLAGS.items()} if settings else {},
    )


def harmless_lines(text: str) -> str:
    """The text with its line ends, and without anything else that a terminal would obey."""
    return "\n".join(map(harmless, text.split("\n")))


_OUTPUT: Final = (
    click.option("--no-input", is_flag=True, help="Never ask; fail instead."),
    click.option("--plain", is_flag=True, help="Tab-separated lines without a heading."),
    click.option("--json", "as_json", is_flag=True, help="JSON, for programs."),
)
_SETTINGS: Final = (
    click.option(
        "--database-url",
        metavar="URL",
        help="A PostgreSQL of your own; others can see flags: better set REVENGE_DATABASE_URL.",
    ),
    click.option("--data-dir", metavar="DIRECTORY", help="Where Revenge keeps its files."),
    click.option(
        "--config", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="The configuration file."
    ),
)
