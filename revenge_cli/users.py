"""`revenge users`: look at accounts."""

import click

from revenge_cli.account_records import Person, person_row, record_of
from revenge_cli.desk import Desk
from revenge_cli.errands import errand
from revenge_cli.lazy import LazyGroup
from revenge_cli.people import named
from revenge_cli.render import Shape, show_record, show_rows
from revenge_cli.session import Session
from revenge_cli.users_change import create, edit
from revenge_cli.users_state import delete, disable, enable, reset_link, restore, send_reset
from revenge_core.paging import MAX_LIMIT
from revenge_core.users.entities import UserFilter


@click.group(
    cls=LazyGroup,
    examples=(
        "revenge users list",
        "revenge users create --username ada --email ada@example.org",
        "revenge users edit ada --role user --role admin --dry-run",
        "revenge users delete ada --url https://media.example.org --token-file token",
    ),
)
def users() -> None:
    """Look at accounts, make and change them, keep people out and let them in."""


COLUMNS = ("username", "email", "display_name", "roles", "state", "email_verified", "last_login_at", "id")


@errand(
    "list",
    examples=(
        "revenge users list",
        "revenge users list --search example.org --disabled",
        "revenge users list --admins --plain | cut -f1",
        "revenge users list --deleted --json --url https://media.example.org --token-file token",
    ),
)
@click.option("--search", metavar="TEXT", help="With this in the user name, the address or the display name.")
@click.option("--role", metavar="NAME", help="With this role.")
@click.option("--enabled/--disabled", "is_active", default=None, help="That may sign in, or may not.")
@click.option("--admins/--no-admins", "is_admin", default=None, help="That are administrators, or are not.")
@click.option("--deleted", is_flag=True, help="That were deleted and can be restored.")
@click.option("--limit", type=click.IntRange(1), default=200, show_default=True, help="So many at most.")
async def list_users(
    session: Session,
    desk: Desk,
    search: str | None,
    role: str | None,
    is_active: bool | None,  # noqa: FBT001 (an option)
    is_admin: bool | None,  # noqa: FBT001 (an option)
    *,
    deleted: bool,
    limit: int,
) -> None:
    """Show accounts that fit every condition, the newest first."""
    wanted = UserFilter(query=search, is_active=is_active, is_admin=is_admin, is_deleted=deleted, role=role)
    found: list[Person] = []
    total = 1
    while len(found) < min(limit, total):
        page = await desk.people(wanted, limit=min(limit - len(found), MAX_LIMIT), offset=len(found))
        found += page.users
        total = page.total if page.users else 0
    show_rows(
        session.shape, COLUMNS, [(record_of if session.shape is Shape.JSON else person_row)(one) for one in found]
    )
    if total > len(found) and session.shape is Shape.TABLE:
        session.say(f"There are {total}; narrow the list, or raise --limit.")


@errand(
    "show",
    examples=("revenge users show ada", "revenge users show ada@example.org --json"),
)
@click.argument("name", metavar="USER")
async def show(session: Session, desk: Desk, name: str) -> None:
    """Show one account, which is named by its id, user name or address."""
    show_record(session.shape, record_of(await named(desk, name)))


for one in (list_users, show, create, edit, disable, enable, delete, restore, send_reset, reset_link):
    users.add_command(one)
