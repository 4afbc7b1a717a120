"""Rules for what an account may be called (decisions I9, rulings R20)."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import UNSET, UnsetType

from revenge_core.errors import FieldProblem

AVATARS: Final = "avatars/"
"""What the keys of pictures begin with."""
FILES: Final = "/api/v1/files/"
"""What stands before the key in the address of a picture (identity.md 2.2)."""
USERNAME_MIN: Final = 3
USERNAME_MAX: Final = 30
EMAIL_MAX: Final = 254
LOCAL_PART_MAX: Final = 64
LABEL_MAX: Final = 63
DISPLAY_NAME_MAX: Final = 100
LANGUAGE_MAX: Final = 35
"""As long as RFC 5646, 4.4.1 asks everybody to make room for."""
LANGUAGES_MAX: Final = 20
"""In one list."""

_USERNAME = re.compile(r"[a-zA-Z0-9_-]+\Z")
_LANGUAGE = re.compile(
    r"([a-z]{2,3}(-[a-z]{3}){0,3}|[a-z]{4,8})"  # a language, perhaps extended
    r"(-[a-z]{4})?(-([a-z]{2}|[0-9]{3}))?"  # script and region
    r"(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*"  # variants
    r"(-[a-wyz0-9](-[a-z0-9]{2,8})+)*(-x(-[a-z0-9]{1,8})+)?\Z",  # extensions, and what two agreed upon
    re.ASCII | re.IGNORECASE,
)
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}\Z")


def name_key(name: str) -> str:
    """The form in which names and addresses are compared: NFKC, casefolded, NFKC again.

    What is too long to be one of them stays as it is: normalising takes quadratic time in runs of combining marks.
    """
    if len(name) > EMAIL_MAX:
        return name
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def field_problems(
    *,
    username: str | UnsetType = UNSET,
    email: str | UnsetType = UNSET,
    display_name: str | UnsetType = UNSET,
    timezone: str | UnsetType = UNSET,
    locale: str | UnsetType = UNSET,
) -> Iterator[FieldProblem]:
    """What is wrong with those fields of an account that are given."""
    if username is not UNSET:
        yield from username_problems(username)
    if email is not UNSET:
        yield from email_problems(email)
    if display_name is not UNSET:
        yield from display_name_problems(display_name)
    if timezone is not UNSET:
        yield from timezone_problems(timezone)
    if locale is not UNSET:
        yield from language_problems(locale, "/locale")


def username_problems(username: str) -> Iterator[FieldProblem]:
    """What is wrong with a user name; nothing if it is good."""
    if not USERNAME_MIN <= len(username) <= USERNAME_MAX:
        yield FieldProblem(pointer="/username", detail=f"must have {USERNAME_MIN} to {USERNAME_MAX} characters")
    if not _USERNAME.match(username):
        yield FieldProblem(pointer="/username", detail="may hold the letters a to z, digits, '_' and '-'")


def email_problems(email: str) -> Iterator[FieldProblem]:
    """What is wrong with an address. Only its shape is judged: whether it works, a mail finds out.

    Whatever is good here can be written to: `mail` judges by the same rules (RFC 5321, 4.5.3.1), and refuses no address
    that somebody registered with.

    Of what is too long nothing else is judged: looking at a megabyte of characters would hold up everybody.
    """
    if len(email) > EMAIL_MAX:
        yield FieldProblem(pointer="/email", detail=f"must have at most {EMAIL_MAX} characters")
        return
    local, at, domain = email.partition("@")
    if not (at and local and domain) or "@" in domain or not all(map(_is_address_character, email)):
        yield FieldProblem(pointer="/email", detail="must be an address like name@example.org")
    elif len(email.encode()) > EMAIL_MAX or len(local.encode()) > LOCAL_PART_MAX:
        yield FieldProblem(
            pointer="/email", detail=f"must have at most {EMAIL_MAX} bytes, {LOCAL_PART_MAX} of them before the @"
        )
    elif not all(map(_is_label, domain.split("."))):
        yield FieldProblem(pointer="/email", detail="must name a host after the @, such as example.org")


def display_name_problems(display_name: str) -> Iterator[FieldProblem]:
    """What is wrong with a name for display."""
    if len(display_name) > DISPLAY_NAME_MAX:
        yield FieldProblem(pointer="/display_name", detail=f"must have at most {DISPLAY_NAME_MAX} characters")
    start = display_name[: 2 * DISPLAY_NAME_MAX]  # of what is much too long, no more is worth the time
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in start):
        yield FieldProblem(pointer="/display_name", detail="must not hold control characters")


def timezone_problems(timezone: str) -> Iterator[FieldProblem]:
    """What is wrong with a time zone: it is a name of the IANA database, such as `Europe/Zurich`."""
    if not _is_zone(timezone):
        yield FieldProblem(pointer="/timezone", detail="must be a zone of the IANA database, such as Europe/Zurich")


def language_problems(tag: str, pointer: str) -> Iterator[FieldProblem]:
    """What is wrong with a language: it has the shape of a tag of BCP 47 (RFC 5646, 2.1), known or not."""
    if not _is_language(tag):
        yield FieldProblem(pointer=pointer, detail="must be a language tag of BCP 47, such as en or de-CH")


def languages_problems(tags: str, pointer: str) -> Iterator[FieldProblem]:
    """What is wrong with a list of languages, separated by commas; nothing if it is empty."""
    if len(tags) > LANGUAGES_MAX * (LANGUAGE_MAX + 2) or len(languages := language_list(tags)) > LANGUAGES_MAX:
        yield FieldProblem(pointer=pointer, detail=f"must have at most {LANGUAGES_MAX} languages")
    elif not all(map(_is_language, languages)):
        yield FieldProblem(
            pointer=pointer, detail="must be language tags of BCP 47, separated by commas, such as de-CH,en"
        )


def language_list(tags: str) -> list[str]:
    """The languages of a list, without blanks around them."""
    return [tag.strip(" ") for tag in tags.split(",")] if tags.strip(" ") else []


def _is_language(tag: str) -> bool:
    return len(tag) <= LANGUAGE_MAX and _LANGUAGE.match(tag) is not None


def _is_zone(name: str) -> bool:
    if not _ZONE.match(name):
        return False
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _is_address_character(character: str) -> bool:
    return not character.isspace() and unicodedata.category(character) not in {"Cc", "Cf", "Cs"}


def _is_label(label: str) -> bool:
    """One part of a host's name: letters of any script with their marks, digits, and hyphens inside."""
    return (
        1 <= len(label) <= LABEL_MAX
        and label.strip("-") == label
        and all(
            character.isalnum() or character == "-" or unicodedata.category(character).startswith("M")
            for character in label
        )
    )
