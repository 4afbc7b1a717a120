"""Why an API key may do something, or may not (decisions A4, A5)."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from revenge_core.actor import Actor
from revenge_core.apikeys.entities import ApiKey, KeyScope
from revenge_core.apikeys.errors import KeyNotFound
from revenge_core.apikeys.policy import BUNDLES
from revenge_core.apikeys.ports import KeyReader
from revenge_core.clock import Clock
from revenge_core.errors import KeyRefused
from revenge_core.ids import KeyId
from revenge_core.permissions import Permission
from revenge_core.rbac.entities import Explanation, Rule, RuleKind
from revenge_core.rbac.service import Explaining


class KeyExplaining:
    """Adds to the verdict on a user what one of their keys makes of it: a key never may more than its owner."""

    def __init__(self, explaining: Explaining, reader: KeyReader, clock: Clock) -> None:
        self._explaining = explaining
        self._reader = reader
        self._clock = clock

    async def explain(
        self, actor: Actor, user: str, permission: str, key_id: KeyId, *, library: UUID | None = None
    ) -> Explanation:
        """Whether this key of `user`, an id or a name, may do this kind of act, in `library` if one is named; and why.

        From which addresses the key is taken is not part of it: that is refused before anybody asks for a permission.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `roles:explain`.
            KeyRefused: the actor came with a key itself.
            Invalid, UserNotFound: as `Explaining.explain`.
            KeyNotFound: the user has no such key, or the actor may not see it.
        """
        verdict = await self._explaining.explain(actor, user, permission)
        if actor.key is not None:
            raise KeyRefused
        key = await self._reader.by_id(key_id)
        if key is None or key.user_id != verdict.user_id:
            raise KeyNotFound
        if key.user_id != actor.user_id and not actor.may(Permission.APIKEYS_LIST):
            raise KeyNotFound
        found = [*_rules(key, verdict.permission, library, self._clock.now())]
        hinders = tuple(rule for rule, allows in found if not allows)
        if verdict.allowed and not hinders:
            return replace(verdict, rules=(*(rule for rule, _ in found), *verdict.rules))
        own = () if verdict.allowed else verdict.rules
        return replace(verdict, allowed=False, rules=(*hinders, *own))


def _rules(key: ApiKey, permission: Permission, library: UUID | None, now: datetime) -> Iterator[tuple[Rule, bool]]:
    """What the key says, and whether that allows."""
    if not key.is_live(now):
        state = "expired" if key.revoked_at is None else "revoked"
        yield _rule(key, state, f"key {key.name} ({key.prefix}…) is {state}"), False
    yield _right(key, permission)
    if library is not None and key.libraries is not None:
        reaches = library in key.libraries
        text = f"key {key.name} {'reaches' if reaches else 'does not reach'} library {library}"
        yield Rule(kind=RuleKind.KEY_LIBRARY, subject=key.name, object=str(library), text=text), reaches


def _right(key: ApiKey, permission: Permission) -> tuple[Rule, bool]:
    if permission.value in key.permissions:
        return _rule(key, permission.value, f"key {key.name} names {permission.value}"), True
    scope = next((one for one in (KeyScope.READ, KeyScope.WRITE, KeyScope.ADMIN) if _bundles(one, permission)), None)
    given = next((one for one in sorted(key.scopes) if _bundles(one, permission)), None)
    if given is not None:
        return _rule(key, given, f"key {key.name} has the scope {given}, which includes {permission.value}"), True
    has = f"the scope {', '.join(sorted(key.scopes))}" if key.scopes else "no scope"
    needs = f"takes the scope {scope}, or itself named" if scope else "has to be named"
    return _rule(key, permission.value, f"key {key.name} has {has}, and {permission.value} {needs}"), False


def _bundles(scope: KeyScope, permission: Permission) -> bool:
    return permission.value in BUNDLES[scope]


def _rule(key: ApiKey, object_: str, text: str) -> Rule:
    return Rule(kind=RuleKind.KEY, subject=key.name, object=object_, text=text)
