"""Commands that are written once, against a `Desk`; `--url` decides which one they stand at."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import update_wrapper
from typing import Any, Concatenate, Final, ParamSpec, cast

import click

from revenge_cli.desk import Desk
from revenge_cli.lazy import Command
from revenge_cli.session import Session, command
from revenge_core.secrets import Secret

P = ParamSpec("P")

_ELSEWHERE: Final = (
    click.option("--allow-http", is_flag=True, help="Send the token over http, in a network that you trust."),
    click.option(
        "--token-file",
        metavar="FILE",
        help="Where the access token for --url is; '-' is standard input. Else REVENGE_TOKEN_FILE, or a question.",
    ),
    click.option("--url", metavar="URL", help="Do it on the server there, instead of with this machine's database."),
)


def errand(
    name: str, *, examples: Sequence[str]
) -> Callable[[Callable[Concatenate[Session, Desk, P], Coroutine[Any, Any, None]]], Command]:
    """Make a command of a function that takes a `Session` and a `Desk` first; its docstring is the help."""

    def decorate(function: Callable[Concatenate[Session, Desk, P], Coroutine[Any, Any, None]]) -> Command:
        def run(
            session: Session,
            /,
            *args: Any,  # noqa: ANN401 (of the function)
            url: str | None,
            token_file: str | None,
            allow_http: bool,
            **kwargs: Any,  # noqa: ANN401 (of the function)
        ) -> None:
            _check_readable(kwargs)
            if url is not None:
                desk = _desk_at(session, url, token_file, allow_http=allow_http)
                _straight(function(session, desk, *args, **kwargs))
                return
            if token_file is not None or allow_http:
                raise click.UsageError("--token-file and --allow-http go with --url.")
            from revenge_cli.desk_here import DeskHere

            session.ask(lambda revenge: function(session, DeskHere(revenge), *args, **kwargs))

        update_wrapper(run, function)
        wrapped: Callable[..., Any] = run
        for option in _ELSEWHERE:
            wrapped = option(wrapped)
        return command(name, examples=examples)(wrapped)

    return decorate


def _check_readable(given: Mapping[str, object]) -> None:
    """Bytes that are no text in the terminal's encoding can be neither sent nor stored."""
    for name, value in given.items():
        texts = cast(tuple[object, ...], value) if isinstance(value, tuple) else (value,)
        for text in texts:
            if isinstance(text, str) and any("\ud800" <= character <= "\udfff" for character in text):
                raise click.UsageError(f"What was given for {name.replace('_', '-')} is no text in this encoding.")


def _desk_at(session: Session, url: str, token_file: str | None, *, allow_http: bool) -> Desk:
    if session.config_file is not None or any(value is not None for value in session.flags.values()):
        raise click.UsageError(
            "--url asks the server there; --config, --data-dir and --database-url say nothing to it."
        )
    from revenge_cli.desk_there import DeskThere
    from revenge_cli.place import Place, read_token
    from revenge_cli.remote import Remote

    place = Place.of(url, allow_http=allow_http)
    token = read_token(session, place, token_file)

    def ask_password() -> Secret:
        session.say("This wants a recent proof of who you are.")
        return Secret(click.prompt("Your password", hide_input=True, err=True))

    return DeskThere(Remote(place, token, ask_password if session.may_ask else None))


def _straight(errand: Coroutine[Any, Any, None]) -> None:
    """Run what never waits for an event loop, without one: so Ctrl-C ends a request at once."""
    try:
        errand.send(None)
    except StopIteration:
        return
    errand.close()
    raise RuntimeError("an errand elsewhere waited for an event loop")
