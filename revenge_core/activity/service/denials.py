"""What somebody was refused who is known: in the audit log, and never so often that it fills it (ASVS 16.3.2)."""

from datetime import datetime, timedelta
from typing import Final

from revenge_core.activity.entities import Action, FieldChange, Outcome, Resource
from revenge_core.activity.ports import ActivityTx
from revenge_core.activity.service.activity import Activity
from revenge_core.actor import Actor
from revenge_core.clock import Clock
from revenge_core.entity import Entity
from revenge_core.errors import Forbidden, ReauthRequired
from revenge_core.uow import UnitOfWork

TOLD_EVERY: Final = timedelta(minutes=1)
MOST: Final = 10_000
"""Of so many callers and kinds of refusal at once this process knows when it told of them last."""


class _Told(Entity, kw_only=True):
    at: datetime
    untold: int = 0


class Denials:
    """Refusals of callers who are known.

    Of each caller and kind of refusal the log hears at once, and then once a minute as long as it goes on, with how
    many there were. Who is not known is not told of: everybody could write as much into the log as they like. Refusals
    of both are in the server's log file, one line each. The rest of a minute that nothing follows is there only.
    """

    def __init__(self, uow: UnitOfWork[ActivityTx], activity: Activity, clock: Clock) -> None:
        self._uow = uow
        self._activity = activity
        self._clock = clock
        self._told: dict[tuple[object, object, str], _Told] = {}

    async def tell(self, actor: Actor, refusal: Forbidden, operation: str) -> bool:
        """Note that the actor was refused an operation; whether the audit log was told.

        To be asked for a recent proof of who one is (`ReauthRequired`) is a step on the way, and no refusal.

        Raises:
            DatabaseUnavailable: the log could not be told.
        """
        if actor.user_id is None or isinstance(refusal, ReauthRequired):
            return False
        key, now = (actor.user_id, actor.key.id if actor.key else None, refusal.code), self._clock.now()
        told = self._told.get(key)
        if told is not None and now - told.at < TOLD_EVERY:
            self._told[key] = _Told(at=told.at, untold=told.untold + 1)
            return False
        if told is None and not self._has_room(now):
            return False
        self._told[key] = _Told(at=now)
        async with self._uow.begin(durable=False) as tx:
            await self._activity.write(
                tx,
                actor,
                Action.ACCESS_DENIED,
                resource=Resource(type="operation", key=operation),
                changes={"refused": FieldChange(after=1 + (told.untold if told else 0))},
                outcome=Outcome.FAILURE,
                reason=refusal.code,
            )
        return True

    def _has_room(self, now: datetime) -> bool:
        if len(self._told) >= MOST:
            self._told = {key: told for key, told in self._told.items() if now - told.at < TOLD_EVERY}
        return len(self._told) < MOST
