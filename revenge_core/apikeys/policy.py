"""Rules of API keys, without any I/O: what a key looks like, what it is good for, and what "less" means."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, collapse_addresses, ip_address, ip_network
from typing import Final, TypeAlias
from uuid import UUID

from msgspec import UNSET, UnsetType

from revenge_core.actor import OWN_READ, OWN_RIGHTS
from revenge_core.apikeys.entities import ApiKey, KeyChanges, KeyRules, KeyScope, NewKey
from revenge_core.apikeys.scopes import SMALLEST_SCOPE
from revenge_core.entity import Entity
from revenge_core.errors import FieldProblem
from revenge_core.permissions import Permission
from revenge_core.secrets import Secret, new_token

PREFIX: Final = "rv_"
SHOWN: Final = 8
"""So many characters of a key are kept in the clear."""
NAME_MAX: Final = 255
DESCRIPTION_MAX: Final = 1000
LIBRARIES_MAX: Final = 100
ADDRESSES_MAX: Final = 20
ADDRESS_MAX: Final = 49
"""The longest way to write an IPv6 network."""
RATE_MAX: Final = 60_000
"""Requests per minute."""
LIFETIME_MAX: Final = timedelta(days=3660)
OVERLAP_MAX: Final = timedelta(days=7)
SEEN_INTERVAL: Final = timedelta(minutes=1)
"""When and where from a key was last used is written at most this often (decisions A4)."""
KEPT: Final = timedelta(days=90)
"""How long it can still be seen that there was a key, after it was revoked or expired."""

_FORM: Final = re.compile(r"rv_[0-9a-f]{64}\Z")
_LENGTH: Final = len(PREFIX) + 64

Network: TypeAlias = IPv4Network | IPv6Network


def new_secret() -> Secret:
    """A key that nobody had before: `rv_` and 256 random bits in hexadecimal."""
    return Secret(PREFIX + new_token().reveal())


def prefix_of(secret: Secret) -> str:
    """The part of it by which its owner knows it again."""
    return secret.reveal()[:SHOWN]


def has_form(presented: Secret) -> bool:
    """Whether it could be a key at all; nothing else is worth a look into the database."""
    text = presented.reveal()
    return len(text) == _LENGTH and _FORM.match(text) is not None


# What a key is good for -----------------------------------------------------------------------------------------------

_OWN: Final[Mapping[KeyScope, frozenset[str]]] = {
    KeyScope.READ: frozenset({OWN_READ}),
    KeyScope.WRITE: OWN_RIGHTS,
    KeyScope.ADMIN: OWN_RIGHTS,
}
_INCLUDED: Final[Mapping[KeyScope, frozenset[KeyScope]]] = {
    KeyScope.READ: frozenset({KeyScope.READ}),
    KeyScope.WRITE: frozenset({KeyScope.READ, KeyScope.WRITE}),
    KeyScope.ADMIN: frozenset(KeyScope),
}
BUNDLES: Final[Mapping[KeyScope, frozenset[str]]] = {
    scope: frozenset(right.value for right, smallest in SMALLEST_SCOPE.items() if smallest in included) | _OWN[scope]
    for scope, included in _INCLUDED.items()
}
"""What each scope stands for: permissions, and the rights to the owner's own things (rulings R13)."""
KNOWN_RIGHTS: Final = frozenset(permission.value for permission in Permission) | OWN_RIGHTS
"""What may be named as a fine scope."""


@lru_cache(maxsize=4096)
def rights_of(scopes: frozenset[KeyScope], fine: frozenset[str]) -> frozenset[str]:
    """All that scopes and fine scopes stand for, whoever the owner is."""
    return fine.union(*(BUNDLES[scope] for scope in scopes))


@lru_cache(maxsize=4096)
def effective(rights: frozenset[str], owner: frozenset[Permission]) -> frozenset[Permission]:
    """What a key with these rights may do: never more than its owner (decisions A4)."""
    return frozenset(permission for permission in owner if permission.value in rights)


def needs_proof(rights: frozenset[str]) -> bool:
    """Whether a key of these rights reaches further than `write`: then who makes it proves who they are (W12)."""
    return not rights <= BUNDLES[KeyScope.WRITE]


class Grant(Entity, kw_only=True):
    """What a key is good for, in one form for all ways to write it."""

    rights: frozenset[str]
    libraries: frozenset[UUID] | None
    addresses: tuple[str, ...] | None
    rate_limit: int | None


def grant_of(key: ApiKey) -> Grant:
    """What the key is good for."""
    return Grant(
        rights=rights_of(key.scopes, key.permissions),
        libraries=key.libraries,
        addresses=key.addresses,
        rate_limit=key.rate_limit,
    )


def is_narrower(less: Grant, more: Grant) -> bool:
    """Whether all that `less` is good for, `more` is good for as well; so is everything of itself."""
    return next(_wider(less, more), None) is None


def widened(after: Grant, before: Grant, changes: KeyChanges) -> list[FieldProblem]:
    """Where a key would be good for more than it is, by the fields of the change."""
    rights = "permissions" if changes.scopes is UNSET else "scopes"
    return [
        FieldProblem(pointer="/" + (rights if field == "rights" else field), detail=detail)
        for field, detail in _wider(after, before)
    ]


def _wider(after: Grant, before: Grant) -> Iterator[tuple[str, str]]:
    if more := after.rights - before.rights:
        yield "rights", f"must not add {', '.join(sorted(more))}"
    if before.libraries is not None and (after.libraries is None or not after.libraries <= before.libraries):
        yield "libraries", "must be some of those that the key reaches now"
    if before.addresses is not None and (
        after.addresses is None or not _lie_in(_networks(after.addresses), _networks(before.addresses))
    ):
        yield "allowed_addresses", "must lie in the networks that the key is taken from now"
    if before.rate_limit is not None and (after.rate_limit is None or after.rate_limit > before.rate_limit):
        yield "rate_limit", f"must be at most {before.rate_limit}"


# Addresses ------------------------------------------------------------------------------------------------------------


def canonical(addresses: Iterable[str]) -> tuple[str, ...]:
    """The same networks, each address in one of them only, as few as possible, in order.

    Raises:
        ValueError: one is no network.
    """
    networks = [_network(address) for address in addresses]
    fours = collapse_addresses(one for one in networks if isinstance(one, IPv4Network))
    sixes = collapse_addresses(one for one in networks if isinstance(one, IPv6Network))
    return (*map(str, fours), *map(str, sixes))


def is_taken_from(addresses: tuple[str, ...] | None, address: str | None) -> bool:
    """Whether a key that is bound to these networks is taken from this address; not where nobody knows it."""
    if addresses is None:
        return True
    try:
        known = ip_address(address or "")
    except ValueError:
        return False
    if isinstance(known, IPv6Address) and known.ipv4_mapped is not None:
        known = known.ipv4_mapped
    return any(known in network for network in _networks(addresses))


def place_of(address: str | None) -> str:
    """Where a refused caller is, to tell it once: for IPv6 a network of 64 bits, all of which one customer has."""
    try:
        known = ip_address(address or "")
    except ValueError:
        return "unknown"
    return str(ip_network((int(known), 64), strict=False)) if isinstance(known, IPv6Address) else str(known)


@lru_cache(maxsize=4096)
def _networks(addresses: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(map(_network, addresses))


def _network(text: str) -> Network:
    """An IPv4 network that is written as an IPv6 one (RFC 4291, 2.5.5.2) is the IPv4 network."""
    if len(text) > ADDRESS_MAX or "%" in text:
        raise ValueError
    network = ip_network(text)
    if isinstance(network, IPv6Network) and network.prefixlen >= _MAPPED.prefixlen and network.subnet_of(_MAPPED):
        return IPv4Network((int(network.network_address) & 0xFFFF_FFFF, network.prefixlen - _MAPPED.prefixlen))
    return network


_MAPPED: Final = IPv6Network("::ffff:0:0/96")


def _lie_in(inner: tuple[Network, ...], outer: tuple[Network, ...]) -> bool:
    return all(any(_is_part(one, other) for other in outer) for one in inner)


def _is_part(one: Network, other: Network) -> bool:
    if isinstance(one, IPv4Network):
        return isinstance(other, IPv4Network) and one.subnet_of(other)
    return isinstance(other, IPv6Network) and one.subnet_of(other)


# What is wrong with a key ---------------------------------------------------------------------------------------------


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
    elif given.name is not UNSET and not _is_plain(given.name):
        yield FieldProblem(pointer="/name", detail="must be one line without control characters")
    if given.description is not UNSET and given.description is not None:
        if len(given.description) > DESCRIPTION_MAX:
            yield FieldProblem(pointer="/description", detail=f"must have at most {DESCRIPTION_MAX} characters")
        elif not _is_plain(given.description, besides="\n\r\t"):
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
            _network(address)
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


def _is_plain(text: str, *, besides: str = "") -> bool:
    return not any(
        unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} and character not in besides for character in text
    )
