"""Commands that are loaded when they are called, with examples in their help and hints for what was mistyped."""

import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from importlib import import_module
from typing import IO, TYPE_CHECKING, Any, Final, cast

import click

if TYPE_CHECKING:
    from revenge_core.errors import RevengeError

AS_JSON: Final = "revenge.json"
"""Key in click's metadata: whether the command line asks for JSON."""
REPORTED_BY: Final = "revenge.report"
"""Key in click's metadata: how the running command wants errors reported."""


class Command(click.Command):
    """A command whose help shows how it is used before it lists what it takes."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:  # noqa: ANN401 (click's own)
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show examples, then the text."""
        _write_examples(self.examples, formatter)
        super().format_help_text(ctx, formatter)


class LazyGroup(click.Group):
    """A group that knows names and one line about each of its commands, and loads a command when it is called."""

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 (click's own)
        lazy: Mapping[str, tuple[str, str]] | None = None,
        examples: Sequence[str] = (),
        **kwargs: Any,  # noqa: ANN401 (click's own)
    ) -> None:
        super().__init__(*args, **kwargs)
        self.lazy = dict(lazy or {})
        """Name → where it is (`module:attribute`), and the line that lists show."""
        self.examples = tuple(examples)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every name, loaded or not, by alphabet."""
        return sorted({*super().list_commands(ctx), *self.lazy})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load the command of that name."""
        if cmd_name in self.lazy:
            module, _, attribute = self.lazy[cmd_name][0].partition(":")
            return cast(click.Command, getattr(import_module(module), attribute))
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one may have been meant."""
        known = self.list_commands(ctx)
        if args[0] not in known and not args[0].startswith("-"):
            close = get_close_matches(args[0], known, n=1)
            hint = f"did you mean `{ctx.command_path} {close[0]}`?" if close else f"there are: {', '.join(known)}."
            ctx.fail(f"There is no command {args[0]!r} here; {hint}")
        return super().resolve_command(ctx, args)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show examples, then the text."""
        _write_examples(self.examples, formatter)
        super().format_help_text(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._line(ctx, name)) for name in self.list_commands(ctx)])

    def _line(self, ctx: click.Context, name: str) -> str:
        if name in self.lazy:
            return self.lazy[name][1]
        command = super().get_command(ctx, name)
        return command.get_short_help_str(100) if command else ""


class Root(LazyGroup):
    """The outermost group: what Revenge refuses becomes a message and an exit code here."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # noqa: ANN401 (click's own)
    ) -> click.Context:
        """Read the command line; remember whether JSON is asked for, in case it cannot be used."""
        as_json = "--json" in args
        with _usage_errors(as_json=as_json):
            context = super().make_context(info_name, args, parent, **extra)
        context.meta[AS_JSON] = as_json
        return context

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 (what a command returns)
        """Run the command; what Revenge refuses is reported and becomes an exit code."""
        try:
            with _usage_errors(as_json=ctx.meta[AS_JSON]):
                return super().invoke(ctx)
        except Exception as error:
            from revenge_cli.exits import exit_code  # not above: help is shown without loading the core
            from revenge_core.errors import RevengeError

            if not isinstance(error, RevengeError):
                raise
            ctx.meta.get(REPORTED_BY, _report)(error)
            raise click.exceptions.Exit(exit_code(error)) from error


class UsageAsJson(click.ClickException):
    """A command line that cannot be used, told as every other error is where JSON is asked for."""

    exit_code = click.UsageError.exit_code

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the object to standard error."""
        told: dict[str, object] = {"error": "usage", "message": self.format_message(), "errors": []}
        click.echo(json.dumps(told, ensure_ascii=False, indent=2), file=file, err=True)


@contextmanager
def _usage_errors(*, as_json: bool) -> Generator[None]:
    try:
        yield
    except click.UsageError as error:
        if as_json:
            raise UsageAsJson(error.format_message()) from error
        raise


def _report(error: "RevengeError") -> None:
    click.echo(f"Error: {error.detail}", err=True)


def _write_examples(examples: Sequence[str], formatter: click.HelpFormatter) -> None:
    if examples:
        with formatter.section("Examples"):
            for example in examples:
                formatter.write(f"{' ' * formatter.current_indent}{example}\n")
