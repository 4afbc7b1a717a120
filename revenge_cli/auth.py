"""`revenge auth`: how passwords are protected here."""

import click

from revenge_cli.lazy import LazyGroup
from revenge_cli.render import show_record
from revenge_cli.session import Session, command


@click.group(cls=LazyGroup, examples=("revenge auth calibrate", "revenge auth calibrate --target 0.25"))
def auth() -> None:
    """See what hashing a password may cost on this machine."""


@command(
    "calibrate",
    examples=(
        "revenge auth calibrate",
        "revenge auth calibrate --target 0.25 --max-memory 128",
        "revenge auth calibrate --json",
    ),
    settings=False,
)
@click.option(
    "--target",
    type=click.FloatRange(0.01, 10),
    default=0.1,
    show_default=True,
    metavar="SECONDS",
    help="So long a hash may take.",
)
@click.option(
    "--max-memory",
    type=click.IntRange(20, 4096),
    default=64,
    show_default=True,
    metavar="MIB",
    help="So much memory a hash may take; as many run at a time as passwords.threads says.",
)
def calibrate(session: Session, target: float, max_memory: int) -> None:
    """Measure how costly a password hash may be on this machine, and show the settings for it.

    Never less than what OWASP asks for. Measure while nothing else runs; it takes some seconds. Hashes that are there
    already are renewed as people sign in.
    """
    session.say("Measuring; this takes some seconds.")
    cost = session.doors.calibrate(target, max_memory * 1024)
    record = {
        "passwords.memory_kib": cost.memory_kib,
        "passwords.time_cost": cost.time_cost,
        "passwords.parallelism": cost.parallelism,
        "seconds": round(cost.seconds, 4),
    }
    show_record(session.shape, record)
    if cost.seconds > target:
        session.say(f"This is the least that is safe, and takes longer than {target:g} s on this machine.")


auth.add_command(calibrate)
