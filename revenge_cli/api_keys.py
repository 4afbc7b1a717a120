"""`revenge api-keys`: what programs present instead of signing in."""

import re
import uuid
from datetime import datetime, timedelta
from typing import Final

import click

from revenge_cli.access_records import KeyRecord
from revenge_cli.account_records import Row, record_of
from revenge_cli.desk import Desk
from revenge_cli.errands import errand
from revenge_cli.invitations import until
from revenge_cli.lazy import LazyGroup
from revenge_cli.people import named
from revenge_cli.rehearsal import look_who_asks
from revenge_cli.render import Shape, show_record, show_rows
from revenge_cli.session import Session
from revenge_core.apikeys.entities import KeyScope, NewKey

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
NEVER: Final = "never"
_key = click.argument("key_id", metavar="ID", type=click.UUID)


def _expiry(ctx: click.Context, param: click.Parameter, value: str | None) -> datetime | str | None:
    return value if value in {None, NEVER} else until(ctx, param, value)


def _spell(_ctx: click.Context, _param: click.Parameter, value: str | None) -> timedelta | None:
    if value is None:
        return None
    written = re.fullmatch(r"([0-9]{1,6})([smhd])", value)
    if written is None:
        raise click.BadParameter(f"{value!r} is no span of time; write it like 0s, 90m, 1h or 7d")
    return timedelta(**{_UNITS[written[2]]: int(written[1])})


@click.group(
    cls=LazyGroup,
    examples=(
        "revenge api-keys list ada",
        "revenge api-keys revoke 0192f0c1-0000-7000-8000-000000000001",
        "revenge api-keys create backup --scope read --expires 90d --url https://media.example.org",
        "revenge api-keys rotate 0192f0c1-0000-7000-8000-000000000001 --url https://media.example.org",
    ),
)
def api_keys() -> None:
    """See and revoke API keys; with --url make and rotate one's own."""


@errand("list", examples=("revenge api-keys list ada", "revenge api-keys list --url https://media.example.org"))
@click.argument("name", metavar="[USER]", required=False)
async def list_keys(session: Session, desk: Desk, name: str | None) -> None:
    """Show keys that are good for something, the newest first: of a user, or with --url one's own."""
    found = await desk.access.my_keys() if name is None else await desk.access.keys_of((await named(desk, name)).id)
    columns = ("id", "name", "key_prefix", "scopes", "permissions", "expires_at", "last_used_at", "last_used_address")
    show_rows(session.shape, columns, [_record(one) for one in found])


@errand("revoke", examples=("revenge api-keys revoke 0192f0c1-0000-7000-8000-000000000001",))
@_key
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
async def revoke(session: Session, desk: Desk, key_id: uuid.UUID, *, dry_run: bool) -> None:
    """End a key for good, whoever it belongs to. It stops working within two seconds, everywhere."""
    told = {"id": str(key_id), "revoked": not dry_run}
    if dry_run:
        await look_who_asks(session, desk)
        show_record(session.shape, told)
        session.say("This key would be revoked, if there is one; nothing was changed.")
        return
    await desk.access.revoke_key(key_id)
    show_record(session.shape, told)


@errand(
    "create",
    examples=(
        "revenge api-keys create backup --scope read --url https://media.example.org",
        "revenge api-keys create scanner --permission libraries:scan --expires never --url https://media.example.org",
    ),
)
@click.argument("name", metavar="NAME")
@click.option("--description", metavar="TEXT", help="What it is for.")
@click.option(
    "--scope", "scopes", multiple=True, type=click.Choice([one.value for one in KeyScope]), help="Repeatable."
)
@click.option("--permission", "permissions", multiple=True, metavar="NAME", help="A finer scope; repeatable.")
@click.option("--library", "libraries", multiple=True, type=click.UUID, metavar="ID", help="Only there; repeatable.")
@click.option("--address", "addresses", multiple=True, metavar="NETWORK", help="Only from there; repeatable.")
@click.option("--rate-limit", type=click.IntRange(1), metavar="NUMBER", help="So many requests per minute.")
@click.option(
    "--expires", callback=_expiry, metavar="TIME", help="Until when: 12h, 90d, a time, or never. Else the usual one."
)
@click.option("--record", is_flag=True, help="Find out what it needs: `revenge api-keys uses` tells.")
async def create(
    session: Session,
    desk: Desk,
    name: str,
    description: str | None,
    scopes: tuple[str, ...],
    permissions: tuple[str, ...],
    libraries: tuple[uuid.UUID, ...],
    addresses: tuple[str, ...],
    rate_limit: int | None,
    expires: datetime | str | None,
    *,
    record: bool,
) -> None:
    """Make a key of one's own, and show it, this once. It may never do more than its owner at that moment."""
    new = NewKey(
        name=name,
        description=description,
        scopes=frozenset(KeyScope(one) for one in scopes),
        permissions=frozenset(permissions),
        libraries=frozenset(libraries) if libraries else None,
        addresses=addresses or None,
        rate_limit=rate_limit,
        expires_at=expires if isinstance(expires, datetime) else None,
        never_expires=expires == NEVER,
        recording=record,
    )
    _show_once(session, await desk.access.make_key(new))


@errand(
    "rotate",
    examples=(
        "revenge api-keys rotate 0192f0c1-0000-7000-8000-000000000001 --overlap 1h --url https://media.example.org",
    ),
)
@_key
@click.option("--overlap", callback=_spell, metavar="TIME", help="For so long the present one works on: 0s, 1h, 7d.")
async def rotate(session: Session, desk: Desk, key_id: uuid.UUID, overlap: timedelta | None) -> None:
    """Get another key in the place of one's own, and show it, this once; the present one works on for a while."""
    _show_once(session, await desk.access.rotate_key(key_id, overlap))


@errand(
    "uses", examples=("revenge api-keys uses 0192f0c1-0000-7000-8000-000000000001 --url https://media.example.org",)
)
@_key
async def uses(session: Session, desk: Desk, key_id: uuid.UUID) -> None:
    """Show what a recording key of one's own was seen to need, and the least that would do."""
    found = await desk.access.uses_of(key_id)
    if session.shape is Shape.JSON:
        show_record(session.shape, record_of(found))
        return
    show_rows(session.shape, ("right", "uses", "first_used_at", "last_used_at"), [record_of(one) for one in found.uses])
    least = [
        *(f"--scope {one}" for one in found.proposal.scopes),
        *(f"--permission {one}" for one in found.proposal.permissions),
    ]
    session.say(f"The least that would do: {' '.join(least) or 'nothing was recorded'}")


def _show_once(session: Session, key: KeyRecord) -> None:
    show_record(session.shape, _record(key))
    if session.shape is Shape.TABLE:
        session.say("The key is shown this once: keep it where only the program that needs it can read it.")


def _record(key: KeyRecord) -> Row:
    record = record_of(key)
    if key.api_key is None:
        del record["api_key"]
    return record


for one in (list_keys, create, rotate, uses, revoke):
    api_keys.add_command(one)
