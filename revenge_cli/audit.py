"""`revenge audit`: what was done, by whom, and the proof that nobody changed it."""

import click

from revenge_cli.audit_reading import export, tail
from revenge_cli.audit_verifying import checkpoints, verify
from revenge_cli.lazy import LazyGroup


@click.group(
    cls=LazyGroup,
    examples=(
        "revenge audit tail",
        "revenge audit tail --follow --json",
        "revenge audit export --output audit.ndjson",
        "revenge audit verify",
    ),
)
def audit() -> None:
    """See what was done, by whom and to what; take it elsewhere; see that nobody changed it."""


for one in (checkpoints, export, tail, verify):
    audit.add_command(one)
