"""What is wrong with a key that somebody asks for."""

import unicodedata
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from msgspec import UNSET, UnsetType

from revenge_core.apikeys.entities import KeyChanges, KeyRules, KeyScope, NewKey
from revenge_core.apikeys.policy.addresses import parsed
from revenge_core.apikeys.policy.rights import KNOWN_RIGHTS
from revenge_core.errors import FieldProblem

NAME_MAX: Final = 255
DESCRIPTION_MAX: Final = 1000
LIBRARIES_MAX: Final = 100
ADDRESSES_MAX: Final = 20
RATE_MAX: Final = 60_000
"""Requests per minute."""
LIFETIME_MAX: Final = timedelta(days=3660)
OVERLAP_MAX: Final = timedelta(days=7)


def new_problems(new: NewKey, rules: KeyRules, now: datetime) -> Iterator[FieldProblem]:
    """What is wrong with a key to be made; nothing if it is good."""
    yield from field_problems(
        KeyChanges(
            name=new.name,
            description=new.description,
            scopes=new.scopes,
            permissions=new.permissions,
            libraries=new.libraries,
            addresses=new.addresses,
            rate_limit=new.rate_limit,
        )
    )
    yield from empty_problems(new.scopes, new.permissions)
    if new.never_expires and not rules.may_last_forever:
        yield FieldProblem(pointer="/expires_at", detail="must be a time: keys on this server expire")
    elif new.expires_at is not None and not now < new.expires_at <= now + LIFETIME_MAX:
        yield FieldProblem(
            pointer="/expires_at", detail=f"must be in the future, at most {LIFETIME_MAX.days} days away"
        )


def empty_problems(scopes: frozenset[KeyScope], fine: frozenset[str]) -> Iterator[FieldProblem]:
    """A key that is good for nothing was hardly meant."""
    if not scopes and not fine:
        yield FieldProblem(pointer="/scopes", detail="must name at least one scope, unless permissions are named")


def expiry_of(new: NewKey, rules: KeyRules, now: datetime) -> datetime | None:
    """When the key expires; None for never (rulings R13)."""
    if new.never_expires:
        return None
    return new.expires_at or now + rules.lifetime


def field_problems(given: KeyChanges) -> Iterator[FieldProblem]:
    """What is wrong with the fields that are given."""
    if given.name is not UNSET and not (0 < len(given.name.strip()) <= len(given.name) <= NAME_MAX):
        yield FieldProblem(pointer="/name", detail=f"must have 1 to {NAME_MAX} characters, not only blanks")
    elif given.name is not UNSET and not given.name.isprintable():
        # Names stand in what administrators read: logs, lists, the words of a verdict. None turns those around.
        yield FieldProblem(pointer="/name", detail="must be one line of characters that can be seen")
    if given.description is not UNSET and given.description is not None:
        if len(given.description) > DESCRIPTION_MAX:
            yield FieldProblem(pointer="/description", detail=f"must have at most {DESCRIPTION_MAX} characters")
        elif not _is_plain(given.description):
            yield FieldProblem(pointer="/description", detail="must not hold control characters")
    yield from _right_problems(given.permissions)
    if given.libraries is not UNSET and given.libraries is not None and len(given.libraries) > LIBRARIES_MAX:
        yield FieldProblem(pointer="/libraries", detail=f"must be at most {LIBRARIES_MAX}")
    yield from _address_problems(given.addresses)
    if given.rate_limit is not UNSET and given.rate_limit is not None and not 1 <= given.rate_limit <= RATE_MAX:
        yield FieldProblem(pointer="/rate_limit", detail=f"must be from 1 to {RATE_MAX}")


def _right_problems(permissions: frozenset[str] | UnsetType) -> Iterator[FieldProblem]:
    if permissions is UNSET:
        return
    if len(permissions) > len(KNOWN_RIGHTS):
        yield FieldProblem(pointer="/permissions", detail=f"must be at most {len(KNOWN_RIGHTS)}")
    elif unknown := permissions - KNOWN_RIGHTS:
        yield FieldProblem(
            pointer="/permissions",
            detail=f"must be names of permissions, own:read or own:write; {len(unknown)} of them are not: "
            f"{', '.join(repr(name[:_TOLD]) for name in sorted(unknown)[:_TOLD])}",
        )


_TOLD: Final = 40
"""Of what is wrong so much is repeated, in characters and in names."""


def _address_problems(addresses: tuple[str, ...] | UnsetType | None) -> Iterator[FieldProblem]:
    if addresses is UNSET or addresses is None:
        return
    if not 1 <= len(addresses) <= ADDRESSES_MAX:
        yield FieldProblem(
            pointer="/allowed_addresses", detail=f"must be 1 to {ADDRESSES_MAX} networks; null for everywhere"
        )
    for index, address in enumerate(addresses[:ADDRESSES_MAX]):
        try:
            parsed(address)
        except ValueError:
            yield FieldProblem(
                pointer=f"/allowed_addresses/{index}",
                detail="must be an address, or a network without bits beyond its prefix, such as 192.0.2.0/24",
            )


def overlap_problems(overlap: timedelta) -> Iterator[FieldProblem]:
    """What is wrong with how long the old key is to work after a rotation."""
    if not timedelta(0) <= overlap <= OVERLAP_MAX:
        yield FieldProblem(pointer="/overlap", detail=f"must be from 0 to {OVERLAP_MAX.days} days")


def name_key(name: str) -> str:
    """The form in which names of keys are compared: nobody tells them apart by case or by how they are encoded."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name[:NAME_MAX]).casefold())


def _is_plain(text: str) -> bool:
    """Whether it has no control characters but those that lay out text."""
    return not any(
        unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} and character not in "\n\r\t" for character in text
    )
