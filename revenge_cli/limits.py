"""`revenge limits`: what keeps passwords from being guessed, and now and then somebody waiting (rulings R37)."""

import ipaddress
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

import click

from revenge_cli.account_records import record_of
from revenge_cli.desk import Desk
from revenge_cli.errands import errand
from revenge_cli.lazy import LazyGroup
from revenge_cli.people import named
from revenge_cli.rehearsal import look_who_asks
from revenge_cli.render import Shape, show_record, show_rows
from revenge_cli.session import Session
from revenge_core.errors import Forbidden, NotFound


@click.group(
    cls=LazyGroup, examples=("revenge limits list", "revenge limits clear ada", "revenge limits clear 192.0.2.7")
)
def limits() -> None:
    """See who guessed wrong passwords too often, and let them try again."""


@errand("list", examples=("revenge limits list", "revenge limits list --json"))
async def list_limits(session: Session, desk: Desk) -> None:
    """Show what is used up of allowances for guesses, the latest first.

    Where no user is named, it is an address alone, or a name that nobody has, of which a digest is kept.
    """
    records = [record_of(one) for one in await desk.counts()]
    if session.shape is not Shape.JSON:
        names = await _names(desk, [record["key"] for record in records])
        records = [
            record | {"user": name, "used": f"{record['used']:.1f}"}
            for record, name in zip(records, names, strict=True)
        ]
    show_rows(session.shape, ("user", "key", "used", "refused", "at"), records)


async def _names(desk: Desk, keys: Sequence[str]) -> list[str]:
    """Whose counts these are; empty for nobody's, and for people whom the one who asks may not see."""
    found: dict[str, str] = {}
    for key in keys:
        who = key.partition(":")[2].partition(" ")[0]
        if who not in found and not key.startswith("address:"):
            found[who] = ""
            with suppress(ValueError, Forbidden, NotFound):
                found[who] = (await desk.find(str(UUID(who)))).username
    return [found.get(key.partition(":")[2].partition(" ")[0], "") for key in keys]


@errand(
    "clear",
    examples=("revenge limits clear ada", "revenge limits clear 192.0.2.7", "revenge limits clear 2001:db8::1"),
)
@click.argument("subject", metavar="SUBJECT")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
async def clear(session: Session, desk: Desk, subject: str, *, dry_run: bool) -> None:
    """Forget what was counted against an account or an address, so that the next try is let through.

    An account is named by its id, user name or e-mail address.
    """
    key = subject if _is_address(subject) else str((await named(desk, subject)).id)
    if dry_run:
        await look_who_asks(session, desk)
        show_record(session.shape, {"subject": key, "cleared": False})
        session.say(f"What was counted against {subject} would be forgotten; nothing was changed.")
        return
    await desk.clear(key)
    show_record(session.shape, {"subject": key, "cleared": True})


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


for one in (list_limits, clear):
    limits.add_command(one)
