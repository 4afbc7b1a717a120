"""What a dry run looks at: whether the account is there, and what would be refused as far as that can be seen."""

from collections.abc import Iterator

from msgspec import UNSET

from revenge_cli.account_records import Person
from revenge_cli.desk import Desk
from revenge_cli.session import Session
from revenge_core.accounts.entities import AccountChanges, NewAccount
from revenge_core.accounts.errors import AccountInvalid, OwnAccount
from revenge_core.errors import FieldProblem
from revenge_core.rbac.entities import ADMIN
from revenge_core.rbac.errors import LastAdmin
from revenge_core.users.entities import UserFilter
from revenge_core.users.errors import EmailTaken, UsernameTaken, UserNotFound
from revenge_core.users.policy import display_name_problems, email_problems, name_key, username_problems


async def look_who_asks(session: Session, desk: Desk) -> None:
    """Say what cannot be known beforehand: only doing it shows what somebody may who is no administrator."""
    myself = await desk.myself()
    if myself is not None and not myself.is_admin:
        session.say("You are no administrator there: it may be refused.")


async def look_at_removal(desk: Desk, person: Person, *, who_left: bool = False) -> None:
    """Refuse what `disable` would refuse; with `who_left`, what `delete` would, which keeps out whoever left.

    Raises:
        UserNotFound: it is deleted already.
        OwnAccount: it is the actor's own.
        LastAdmin: nobody else could administer the server.
    """
    if person.deleted_at is not None and not (who_left and person.may_return):
        raise UserNotFound
    myself = await desk.myself()
    if myself is not None and myself.id == person.id:
        raise OwnAccount
    await _look_for_other_admins(desk, person)


async def look_at_account(desk: Desk, new: NewAccount) -> None:
    """Refuse what `create` would refuse for its fields. Roles that do not exist only doing it finds.

    Raises:
        AccountInvalid: fields break rules.
        UsernameTaken, EmailTaken: another account has the name or the address.
    """
    _look_at_fields(new.username, new.email, new.display_name)
    await _look_at_names(desk, None, new.username, new.email)


async def look_at_changes(desk: Desk, person: Person, changes: AccountChanges) -> None:
    """Refuse what `change` would refuse for its fields.

    Raises:
        UserNotFound: it is deleted.
        AccountInvalid, UsernameTaken, EmailTaken: as `look_at_account`.
        LastAdmin: nobody else could administer the server.
    """
    if person.deleted_at is not None:
        raise UserNotFound
    username, email, display_name = (
        None if value is UNSET else value for value in (changes.username, changes.email, changes.display_name)
    )
    _look_at_fields(username, email, display_name)
    await _look_at_names(desk, person, username, email)
    if changes.roles is not UNSET and ADMIN not in changes.roles:
        await _look_for_other_admins(desk, person)


def _look_at_fields(username: str | None, email: str | None, display_name: str | None) -> None:
    def problems() -> Iterator[FieldProblem]:
        if username is not None:
            yield from username_problems(username)
        if email is not None:
            yield from email_problems(email)
        if display_name is not None:
            yield from display_name_problems(display_name)

    found = list(problems())
    if found:
        raise AccountInvalid(problems=found)


async def _look_at_names(desk: Desk, person: Person | None, username: str | None, email: str | None) -> None:
    if username is not None and await _holder(desk, username) not in {None, person and person.id}:
        raise UsernameTaken
    if email is not None and await _holder(desk, email) not in {None, person and person.id}:
        raise EmailTaken


async def _holder(desk: Desk, name: str) -> object:
    """The id of the account that has this name, in whatever letters; names of deleted ones are held, too."""
    try:
        found = await desk.find(name)
    except UserNotFound:
        return None
    return found.id if name_key(name) in {name_key(found.username), name_key(found.email)} else None


async def _look_for_other_admins(desk: Desk, person: Person) -> None:
    if not (person.is_admin and person.is_active):
        return
    admins = await desk.people(UserFilter(is_active=True, is_admin=True), limit=1, offset=0)
    if admins.total <= 1:
        raise LastAdmin
