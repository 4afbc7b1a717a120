"""What a dry run looks at: whether the account is there, and what would be refused as far as that can be seen."""

from msgspec import UNSET, UnsetType

from revenge_cli.account_records import Person
from revenge_cli.desk import Desk
from revenge_cli.session import Session
from revenge_core.accounts.entities import AccountChanges, NewAccount
from revenge_core.accounts.errors import AccountInvalid, OwnAccount
from revenge_core.rbac.entities import ADMIN
from revenge_core.rbac.errors import LastAdmin
from revenge_core.users.entities import UserFilter
from revenge_core.users.errors import EmailTaken, UsernameTaken, UserNotFound
from revenge_core.users.policy import name_key
from revenge_core.users.service import Users


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
    if problems := Users.problems_of(new):
        raise AccountInvalid(problems=problems)
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
    if problems := Users.problems_of_changes(changes, username=changes.username):
        raise AccountInvalid(problems=problems)
    await _look_at_names(desk, person, changes.username, changes.email)
    if changes.roles is not UNSET and ADMIN not in changes.roles:
        await _look_for_other_admins(desk, person)


async def _look_at_names(desk: Desk, person: Person | None, username: str | UnsetType, email: str | UnsetType) -> None:
    if username is not UNSET and await _holder(desk, username) not in {None, person and person.id}:
        raise UsernameTaken
    if email is not UNSET and await _holder(desk, email) not in {None, person and person.id}:
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
