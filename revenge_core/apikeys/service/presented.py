"""Who presents a key: the hot path. It asks the database once for a key, and not at all for what cannot be one."""

from datetime import datetime, timedelta
from typing import Final

from revenge_core.activity.entities import Action, Outcome, Resource
from revenge_core.activity.service import Activity
from revenge_core.actor import OWN_READ, OWN_WRITE, Actor, ActorKind, KeyUse, Origin
from revenge_core.apikeys.entities import ApiKey, KeyPrincipal
from revenge_core.apikeys.errors import KeyAddressRefused, KeyInvalid
from revenge_core.apikeys.policy import effective, has_form, is_taken_from, place_of, rights_of
from revenge_core.apikeys.ports import ApiKeysTx, KeyPrincipalReader
from revenge_core.apikeys.service.usage import KeyUsage
from revenge_core.clock import Clock
from revenge_core.ids import KeyId
from revenge_core.rbac.service import Rbac
from revenge_core.secrets import Secret, digest
from revenge_core.uow import UnitOfWork

STRANGER_KEPT: Final = timedelta(seconds=5)
"""How long a digest that is nobody's is remembered: who repeats it in a loop does not reach the database. Nobody can
have a key before it was made, so none that is good is ever refused for it."""
STRANGERS_MAX: Final = 10_000
TOLD_AGAIN_AFTER: Final = timedelta(minutes=1)
PLACES_MAX: Final = 20
"""Refusals of one key are told from so many places a minute: the audit log is no place to fill from outside."""
REFUSED_MAX: Final = 10_000
"""Of so many keys it is known that they were refused: who makes, misplaces and revokes keys fills no memory."""


class PresentedKeys:
    """Judges presented keys."""

    def __init__(
        self,
        uow: UnitOfWork[ApiKeysTx],
        principals: KeyPrincipalReader,
        usage: KeyUsage,
        rbac: Rbac,
        activity: Activity,
        clock: Clock,
    ) -> None:
        self._uow = uow
        self._principals = principals
        self._usage = usage
        self._rbac = rbac
        self._activity = activity
        self._clock = clock
        self._strangers: dict[bytes, datetime] = {}
        self._told: dict[KeyId, dict[str, datetime]] = {}

    async def authenticate(self, presented: Secret, origin: Origin) -> Actor:
        """See `ApiKeys.authenticate`."""
        now = self._clock.now()
        principal = await self._principal(presented, now)
        if principal is None or not principal.is_live(now):
            raise KeyInvalid
        key = principal.key
        if not is_taken_from(key.addresses, origin.address):
            await self._tell_refusal(key, origin, now)
            raise KeyAddressRefused
        self._usage.saw(key, origin.address, now)
        rights = rights_of(key.scopes, key.permissions)
        return Actor(
            kind=ActorKind.API_KEY,
            user_id=key.user_id,
            roles=principal.roles,
            permissions=effective(rights, await self._rbac.permissions_of(principal.roles)),
            key=KeyUse(
                id=key.id,
                reads_own=OWN_READ in rights,
                writes_own=OWN_WRITE in rights,
                libraries=key.libraries,
                rate_limit=key.rate_limit,
                recorder=self._usage if key.recording else None,
            ),
            origin=origin,
        )

    async def _principal(self, presented: Secret, now: datetime) -> KeyPrincipal | None:
        if not has_form(presented):
            return None
        known_as = digest(presented)
        until = self._strangers.get(known_as)
        if until is not None and now < until:
            return None
        principal = await self._principals.principal(known_as)
        if principal is None:
            self._strangers.pop(known_as, None)
            while len(self._strangers) >= STRANGERS_MAX:
                del self._strangers[next(iter(self._strangers))]
            self._strangers[known_as] = now + STRANGER_KEPT
        return principal

    async def _tell_refusal(self, key: ApiKey, origin: Origin, now: datetime) -> None:
        """Write an audit entry, unless this place had one for this key within the last minute."""
        told = {place: at for place, at in self._told.pop(key.id, {}).items() if now - at < TOLD_AGAIN_AFTER}
        while len(self._told) >= REFUSED_MAX:
            del self._told[next(iter(self._told))]
        self._told[key.id] = told
        place = place_of(origin.address)
        if place in told or len(told) >= PLACES_MAX:
            return
        told[place] = now
        async with self._uow.begin() as tx:
            await self._activity.write(
                tx,
                Actor(
                    kind=ActorKind.API_KEY,
                    user_id=key.user_id,
                    key=KeyUse(id=key.id, reads_own=False, writes_own=False),
                    origin=origin,
                ),
                Action.APIKEY_REFUSE,
                resource=Resource(type="api_key", id=key.id, key=key.name),
                outcome=Outcome.FAILURE,
                reason="it is not taken from this address",
            )
