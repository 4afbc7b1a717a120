"""What a key is good for, and what "less" means (decisions A4)."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final
from uuid import UUID

from msgspec import UNSET

from revenge_core.actor import OWN_READ, OWN_RIGHTS
from revenge_core.apikeys.entities import ApiKey, KeyChanges, KeyScope
from revenge_core.apikeys.policy.addresses import lie_in
from revenge_core.apikeys.policy.scopes import SMALLEST_SCOPE
from revenge_core.entity import Entity
from revenge_core.errors import FieldProblem
from revenge_core.permissions import Permission

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
    if before.addresses is not None and (after.addresses is None or not lie_in(after.addresses, before.addresses)):
        yield "allowed_addresses", "must lie in the networks that the key is taken from now"
    if before.rate_limit is not None and (after.rate_limit is None or after.rate_limit > before.rate_limit):
        yield "rate_limit", f"must be at most {before.rate_limit}"
