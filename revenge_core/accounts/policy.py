"""Rules for invitations and lists of accounts, and the one about the last administrator."""

import unicodedata
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from revenge_core.accounts.entities import NewInvitation
from revenge_core.errors import FieldProblem, Invalid
from revenge_core.ids import UserId
from revenge_core.permissions import Permission
from revenge_core.rbac.entities import FREELY_GIVEN, PermissionIndex
from revenge_core.rbac.errors import LastAdmin

QUERY_MAX: Final = 200
NOTE_MAX: Final = 500
USES_MAX: Final = 1000
LIBRARIES_MAX: Final = 100
LIBRARY_MAX: Final = 64
"""Characters of one library's id."""
INVITATION_MAX: Final = timedelta(days=366)


def checked_query(query: str | None) -> str | None:
    """What to look for, without blanks around it; None for nothing.

    Raises:
        Invalid: it is too long.
    """
    if query is not None and len(query) > QUERY_MAX:
        raise Invalid(problems=[FieldProblem(pointer="/query", detail=f"must have at most {QUERY_MAX} characters")])
    return (query or "").strip() or None


def check_not_last(admins: frozenset[UserId], user_id: UserId) -> None:
    """Whether somebody else can administer the server without this account; `admins` are locked (decisions I1).

    Raises:
        LastAdmin: nobody else can.
    """
    if admins == frozenset({user_id}):
        raise LastAdmin


def invitation_problems(new: NewInvitation, now: datetime) -> Iterator[FieldProblem]:
    """What is wrong with an invitation to be made, its role and address aside; nothing if it is good."""
    if not 1 <= new.uses <= USES_MAX:
        yield FieldProblem(pointer="/uses", detail=f"must be from 1 to {USES_MAX}")
    elif new.email is not None and new.uses != 1:
        yield FieldProblem(pointer="/uses", detail="must be 1 where an address is given: it can have one account")
    if new.expires_at is not None and not now < new.expires_at <= now + INVITATION_MAX:
        yield FieldProblem(pointer="/expires_at", detail=f"must be in the next {INVITATION_MAX.days} days")
    if new.note is not None and (len(new.note) > NOTE_MAX or not _is_plain(new.note, besides="\n\t")):
        yield FieldProblem(pointer="/note", detail=f"must have at most {NOTE_MAX} characters, none that control")
    if len(new.libraries) > LIBRARIES_MAX:
        yield FieldProblem(pointer="/libraries", detail=f"must be at most {LIBRARIES_MAX}")
    for index, library in enumerate(new.libraries[:LIBRARIES_MAX]):
        if not 1 <= len(library) <= LIBRARY_MAX or not _is_plain(library):
            yield FieldProblem(pointer=f"/libraries/{index}", detail="must be the id of a library")


def can_invite_to(role: str, holder: frozenset[str], index: PermissionIndex) -> bool:
    """Whether somebody with the roles `holder` could invite others to `role`."""
    needed = {Permission.INVITATIONS_CREATE}
    if role not in FREELY_GIVEN:
        needed |= {Permission.ROLES_ASSIGN, *index.permissions_of(frozenset({role}))}
    return needed <= index.permissions_of(holder)


def _is_plain(text: str, *, besides: str = "") -> bool:
    return not any(unicodedata.category(character) in {"Cc", "Cs"} and character not in besides for character in text)
