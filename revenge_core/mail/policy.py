"""Rules for addresses and texts of messages (RFC 5321, 5322, 6531)."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Final
from uuid import UUID

from revenge_core.errors import FieldProblem
from revenge_core.mail.entities import Email, Notice

ADDRESS_MAX: Final = 254
"""RFC 5321, 4.5.3.1.3, in bytes."""
LOCAL_PART_MAX: Final = 64
"""RFC 5321, 4.5.3.1.1, in bytes."""
NAME_MAX: Final = 100
SUBJECT_MAX: Final = 200
BODY_MAX: Final = 200 * 1024
"""In bytes, for text and HTML each: sealed, both fit into a job."""

_DOT_ATOM: Final = re.compile(r"[^\s()<>@,;:\\\"\[\].]+(\.[^\s()<>@,;:\\\"\[\].]+)*\Z")
_LABEL_MAX: Final = 63
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs"})
"""Control characters, invisible ones, and halves of characters."""


def email_problems(email: Email) -> Iterator[FieldProblem]:
    """What is wrong with a message; nothing if it is good."""
    yield from address_problems(email.to, "/to")
    if email.reply_to is not None:
        yield from address_problems(email.reply_to, "/reply_to")
    yield from line_problems(email.subject, "/subject", at_least=1, at_most=SUBJECT_MAX)
    yield from _body_problems(email.text.reveal(), "/text")
    if email.html is not None:
        yield from _body_problems(email.html.reveal(), "/html")


def address_problems(address: str, pointer: str) -> Iterator[FieldProblem]:
    """What is wrong with an address. A name around it (`Ada <ada@example.org>`) is wrong too."""
    local, at, domain = address.rpartition("@")
    if len(address) > ADDRESS_MAX or not at or not _fits(local, LOCAL_PART_MAX) or not _fits(address, ADDRESS_MAX):
        yield FieldProblem(
            pointer=pointer,
            detail=f"must be an address like name@example.org, of at most {ADDRESS_MAX} bytes, {LOCAL_PART_MAX} "
            "before the @",
        )
        return
    if "@" in local or any(character.isspace() or _is_hidden(character) for character in address):
        yield FieldProblem(pointer=pointer, detail="must not hold blanks, control characters or a second @")
    if not all(map(_is_label, domain.split("."))):
        yield FieldProblem(pointer=pointer, detail="must name a host after the @, such as example.org")


def line_problems(line: str, pointer: str, *, at_least: int, at_most: int) -> Iterator[FieldProblem]:
    """What is wrong with text for one line of a header. A line break in it would start another header."""
    if not at_least <= len(line) <= at_most:
        yield FieldProblem(pointer=pointer, detail=f"must have {at_least} to {at_most} characters")
    elif any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in line):
        yield FieldProblem(pointer=pointer, detail="must be one line without control characters")


def _body_problems(body: str, pointer: str) -> Iterator[FieldProblem]:
    if not body or not _fits(body, BODY_MAX):
        yield FieldProblem(pointer=pointer, detail=f"must have 1 to {BODY_MAX} bytes of Unicode text")
    elif any(unicodedata.category(character) == "Cc" and character not in "\t\n" for character in body):
        yield FieldProblem(pointer=pointer, detail="must not hold control characters; lines end with a line feed")


def _fits(text: str, most: int) -> bool:
    """Whether it has an encoding at all, and one that is not empty and not too long."""
    try:
        return 1 <= len(text.encode()) <= most
    except UnicodeEncodeError:
        return False


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in _HIDDEN


def _is_label(label: str) -> bool:
    """Letters of any script, with what is written above and below them, digits and hyphens inside."""
    return (
        1 <= len(label) <= _LABEL_MAX
        and not label.startswith("-")
        and not label.endswith("-")
        and all(
            character.isalnum() or character == "-" or unicodedata.category(character).startswith("M")
            for character in label
        )
    )


def wire_address(address: str) -> str:
    """The address as mail servers are told it.

    What is special to them is quoted, so that the message goes to exactly this address: `a(b)@example.org` unquoted is
    `a@example.org`. An international domain is spelled in ASCII where both standards agree how; where they do not, as
    for ß, another domain might be meant, and it stays as it is.
    """
    local, _, domain = address.rpartition("@")
    if not _DOT_ATOM.match(local):
        local = '"' + local.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{local}@{_ascii_domain(domain)}"


def _ascii_domain(domain: str) -> str:
    if domain.isascii():
        return domain
    try:
        spelled = domain.encode("idna")
        return spelled.decode() if spelled.decode("idna") == domain.lower() else domain
    except UnicodeError:
        return domain


def message_id(unique: UUID, sender: str) -> str:
    """An id like no other's: the part after the @ says who made it."""
    domain = wire_address(sender).rpartition("@")[2]
    return f"{unique}@{domain if domain.isascii() else 'localhost'}"


VALUES: Final[Mapping[Notice, frozenset[str]]] = {
    Notice.ACCOUNT_DELETED: frozenset({"name", "until"}),
    Notice.ACCOUNT_MADE: frozenset({"name", "link", "minutes"}),
    Notice.ACCOUNT_RESTORED: frozenset({"name"}),
    Notice.ADDRESS_CHANGE: frozenset({"name", "link", "hours"}),
    Notice.ADDRESS_CHANGE_ASKED: frozenset({"name", "new_address", "address", "time"}),
    Notice.ADDRESS_CHANGED: frozenset({"name", "old_address", "new_address", "time"}),
    Notice.EXPORT_READY: frozenset({"name", "days"}),
    Notice.INVITATION: frozenset({"inviter", "link", "until"}),
    Notice.KEY_EXPIRES: frozenset({"name", "key", "until"}),
    Notice.NEW_DEVICE: frozenset({"name", "device", "address", "time"}),
    Notice.PASSWORD_CHANGED: frozenset({"name", "address", "time"}),
    Notice.PASSWORD_RESET: frozenset({"name", "link", "minutes", "address", "time"}),
    Notice.SESSION_STOLEN: frozenset({"name", "device", "time"}),
    Notice.VERIFY_ADDRESS: frozenset({"name", "link", "hours"}),
    Notice.WELCOME: frozenset({"name"}),
}
"""What a template may put in, besides those of `ALWAYS`.

`name` is the user name: names for display may hold whatever somebody wants to have mailed. `address` is where a request
came from, `time` says when, `until` until when.
"""

ALWAYS: Final = frozenset({"server", "url"})
"""The name of this server, and where people reach it."""
