"""`revenge completion`."""

import click
from click.shell_completion import get_completion_class

from revenge_cli.render import Shape, show_record
from revenge_cli.session import Session, command


@command(
    "completion",
    examples=(
        'eval "$(revenge completion bash)"',
        "revenge completion zsh > ~/.zfunc/_revenge",
        "revenge completion fish > ~/.config/fish/completions/revenge.fish",
    ),
    settings=False,
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(session: Session, shell: str) -> None:
    """Print the completion script for a shell."""
    kind = get_completion_class(shell)
    if kind is None:  # click knows all three
        raise click.UsageError(f"{shell} is not supported")
    context = click.get_current_context().find_root()
    # `source` would start bash to see how old it is, and warn about what it finds
    completer = kind(context.command, {}, "revenge", "_REVENGE_COMPLETE")
    script = completer.source_template % completer.source_vars()
    if session.shape is Shape.JSON:
        show_record(session.shape, {"shell": shell, "script": script})
    else:
        click.echo(script)
