"""Finding the account that somebody names, or the one that they may have meant."""

from difflib import get_close_matches

from revenge_cli.account_records import Person
from revenge_cli.desk import Desk
from revenge_core.paging import MAX_LIMIT
from revenge_core.users.entities import UserFilter
from revenge_core.users.errors import UserNotFound
from revenge_core.users.policy import EMAIL_MAX


async def named(desk: Desk, name: str) -> Person:
    """The account with this id, user name or address, living or deleted.

    Raises:
        UserNotFound: there is none; the message names one that is spelled much alike.
    """
    try:
        return await desk.find(name)
    except UserNotFound:
        hint = await _alike(desk, name)
    raise UserNotFound(f"There is no account {name[:EMAIL_MAX]!r}; {hint or '`revenge users list` shows who is there'}")


async def _alike(desk: Desk, name: str) -> str | None:
    """A question for whoever mistyped, as far as the newest accounts tell."""
    if len(name) > EMAIL_MAX:
        return None
    newest = await desk.people(UserFilter(), limit=MAX_LIMIT, offset=0)
    names = [word for person in newest.users for word in (person.username, person.email)]
    close = get_close_matches(name, names, n=1)
    return f"did you mean {close[0]}?" if close else None
