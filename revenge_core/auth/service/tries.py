"""A password is tried: counted first, then compared, and given back where it was right (rulings R19)."""

from revenge_core.activity.entities import Action, Outcome, Resource
from revenge_core.activity.service import Activity
from revenge_core.actor import Actor, Origin
from revenge_core.auth.entities import Account, Guess
from revenge_core.auth.errors import HasherBusy
from revenge_core.auth.ports import AuthTx
from revenge_core.auth.service.guessing import Guessing
from revenge_core.auth.service.passwords import Passwords
from revenge_core.ids import DeviceId
from revenge_core.secrets import Secret
from revenge_core.uow import UnitOfWork
from revenge_core.users.entities import User


class Tries:
    """Tries at passwords of accounts, by strangers and by people who are signed in."""

    def __init__(self, uow: UnitOfWork[AuthTx], passwords: Passwords, guessing: Guessing, activity: Activity) -> None:
        self._uow = uow
        self._activity = activity
        self._passwords = passwords
        self._guessing = guessing

    async def at(
        self,
        account: Account | None,
        typed: str,
        password: Secret,
        origin: Origin,
        *,
        device: DeviceId | None,
        action: Action = Action.USER_LOGIN,
    ) -> Guess | None:
        """Try `password` at the account, or with the same effort at nobody's: the guess if it fits, None if not.

        Whoever goes on with the guess refunds it with what it leads to, or gives it back.

        Raises:
            TooManyAttempts: it may not be tried now.
            HasherBusy: too many sign-ins at this moment; nothing was judged, so nothing was counted.
        """
        owner = None if account is None else account.user.id
        stored = None if account is None else account.credential.password_hash
        guess = await self._guessing.charge(owner, typed, origin, device=device, action=action)
        try:
            fits = await self._passwords.matches(stored, password, known=device is not None)
        except HasherBusy:
            await self.give_back(guess)
            raise
        return guess if fits else None

    async def refund(self, tx: AuthTx, guess: Guess) -> None:
        """The password was right: it cost nothing. Last in the transaction of what it led to."""
        await self._guessing.refund(tx, guess)

    async def give_back(self, guess: Guess) -> None:
        """The same where it led to nothing."""
        async with self._uow.begin() as tx:
            await self._guessing.refund(tx, guess)

    async def audit(self, tx: AuthTx, actor: Actor, action: Action, user: User | None, reason: str) -> None:
        """It did not work. What was typed as a user name is not kept: now and then it is a password."""
        await self._activity.write(
            tx,
            actor,
            action,
            resource=Resource(type="user", id=user.id, key=user.username) if user else None,
            outcome=Outcome.FAILURE,
            reason=reason,
        )
