"""What keeps passwords from being guessed, and nobody from signing in (decisions I7, rulings R9, R19)."""

from collections.abc import Sequence

from revenge_core.activity.service import Activity
from revenge_core.actor import Actor, Origin
from revenge_core.auth.entities import AuthRules, GuessCount
from revenge_core.auth.ports import AuthTx, GuessReader
from revenge_core.clock import Clock
from revenge_core.ids import DeviceId, UserId
from revenge_core.uow import UnitOfWork


class Guessing:
    """Counts guesses in the database, before anything is hashed."""

    def __init__(
        self, uow: UnitOfWork[AuthTx], reader: GuessReader, activity: Activity, clock: Clock, rules: AuthRules
    ) -> None:
        self._uow = uow
        self._reader = reader
        self._activity = activity
        self._clock = clock
        self._rules = rules

    async def charge(
        self, account: UserId | None, typed: str, origin: Origin, *, device: DeviceId | None = None
    ) -> None:
        """Count one guess at `account`, or at a name that nobody has. `device` is one that the account knows.

        Raises:
            TooManyAttempts: it may not be made now; `retry_after` says when. The audit log is told once a minute.
            DatabaseUnavailable: nobody can count, so nobody may guess.
        """
        raise NotImplementedError

    async def refund(self, tx: AuthTx, account: UserId, origin: Origin, *, device: DeviceId | None = None) -> None:
        """It was no guess: the password was right."""
        raise NotImplementedError

    async def used(self, actor: Actor, *, limit: int = 100) -> Sequence[GuessCount]:
        """Counts of which something is used up now, latest first.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `limits:list`.
        """
        raise NotImplementedError

    async def clear(self, actor: Actor, subject: str) -> int:
        """Forget what was counted against an account (by its id) or an address; how many counts.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `limits:clear`.
        """
        raise NotImplementedError
