"""Proving who one is while one is signed in: before the password changes, and before whatever asks for it (W12)."""

from msgspec.structs import replace

from revenge_core.activity.entities import Action, Resource
from revenge_core.activity.service import Activity
from revenge_core.actor import Actor
from revenge_core.auth.entities import Account, AuthRules, Credential, Proof
from revenge_core.auth.errors import HasherBusy, OldPasswordWrong, PasswordRefused, ProofWrong
from revenge_core.auth.ports import AccountReader, AuthTx
from revenge_core.auth.service.issuing import Issuer
from revenge_core.auth.service.news import News
from revenge_core.auth.service.passwords import Passwords
from revenge_core.auth.service.tries import Tries
from revenge_core.clock import Clock
from revenge_core.errors import Unauthenticated
from revenge_core.feed import Change
from revenge_core.ids import DeviceId
from revenge_core.secrets import Secret
from revenge_core.sessions.entities import EndReason
from revenge_core.sessions.errors import SessionEnded
from revenge_core.sessions.service import Sessions
from revenge_core.uow import UnitOfWork
from revenge_core.users.entities import Purpose, User


class Proofs:
    """Passwords of people who are signed in. Nobody else's guesses keep them out: their device is known."""

    def __init__(  # one argument per port and service that it uses
        self,
        uow: UnitOfWork[AuthTx],
        accounts: AccountReader,
        passwords: Passwords,
        tries: Tries,
        issuer: Issuer,
        news: News,
        activity: Activity,
        sessions: Sessions,
        clock: Clock,
        rules: AuthRules,
    ) -> None:
        self._uow = uow
        self._accounts = accounts
        self._passwords = passwords
        self._tries = tries
        self._issuer = issuer
        self._news = news
        self._activity = activity
        self._sessions = sessions
        self._clock = clock
        self._rules = rules

    async def change_password(self, actor: Actor, old: Secret, new: Secret) -> None:
        """As `Auth.change_password`."""
        account = await self._account_of(actor)
        user = account.user
        problems = self._passwords.problems_of(new, pointer="/new_password", username=user.username, email=user.email)
        if problems:
            raise PasswordRefused(problems=problems)
        action = Action.USER_PASSWORD_CHANGE
        guess = await self._tries.at(account, "", old, actor.origin, device=await self._device_of(actor), action=action)
        if guess is None:
            await self._refused(actor, action, user, "old password wrong")
            raise OldPasswordWrong
        try:
            password_hash = await self._passwords.hash(new, known=True)
        except HasherBusy:
            await self._tries.give_back(guess)
            raise
        async with self._uow.begin() as tx:
            locked = await tx.users.lock(user.id)
            if locked is not None and locked.epoch == user.epoch:
                now, epoch = self._clock.now(), locked.epoch + 1
                version = locked.version + (locked.pending_email is not None)
                # Whoever knew the old password may have asked for another address, or for a link.
                await tx.users.update(replace(locked, epoch=epoch, pending_email=None, version=version, updated_at=now))
                await tx.one_time_tokens.void(user.id, Purpose.EMAIL_CHANGE, Purpose.PASSWORD_RESET)
                await tx.credentials.put(Credential(user_id=user.id, password_hash=password_hash, changed_at=now))
                await self._sessions.end_all(
                    tx, actor, user.id, EndReason.PASSWORD_CHANGED, Action.SESSION_REVOKE_ALL, keep=actor.session_id
                )
                if actor.session_id is not None:
                    await tx.sessions.restamp(actor.session_id, epoch)
                tx.feed.publish(Change.of_user(user.id))
                await self._activity.write(tx, actor, action, resource=Resource(type="user", id=user.id))
                await self._news.password_changed(tx, locked, actor.origin)
                await self._tries.refund(tx, guess)
                return
        await self._refused(actor, action, user, "changed meanwhile")
        raise OldPasswordWrong

    async def reauthenticate(self, actor: Actor, password: Secret) -> Proof:
        """As `Auth.reauthenticate`."""
        account = await self._account_of(actor)
        user, session_id = account.user, actor.session_id
        if session_id is None:
            message = "Only a session can be proven once more; sign in with a password"
            raise Unauthenticated(message)
        action = Action.USER_REAUTHENTICATE
        guess = await self._tries.at(
            account, "", password, actor.origin, device=await self._device_of(actor), action=action
        )
        if guess is None:
            await self._refused(actor, action, user, "wrong password")
            raise ProofWrong
        async with self._uow.begin() as tx:
            locked = await tx.users.lock(user.id)
            if locked is not None and locked.is_active and locked.epoch == user.epoch:
                now = self._clock.now()
                await tx.sessions.mark_proven(session_id, now)
                tx.feed.publish(Change.of_session(session_id))
                await self._activity.write(tx, actor, action, resource=Resource(type="user", id=user.id))
                await self._tries.refund(tx, guess)
                return Proof(
                    access_token=self._issuer.access_token(user.id, session_id, now),
                    expires_in=self._issuer.expires_in,
                    proven_until=now + self._rules.proof_lifetime,
                )
        await self._refused(actor, action, user, "changed meanwhile")
        raise SessionEnded

    async def _account_of(self, actor: Actor) -> Account:
        """The actor's own living account.

        Raises:
            Unauthenticated: nobody is signed in, or the account is gone.
            KeyRefused: it is an API key (decisions A4).
        """
        account = await self._accounts.of_user(actor.require_person())
        if account is None:
            raise Unauthenticated
        return account

    async def _device_of(self, actor: Actor) -> DeviceId | None:
        """The device of the actor's session: the account knows it, so no stranger's guesses count for it."""
        if actor.session_id is None:
            return None
        async with self._uow.begin() as tx:
            session = await tx.sessions.by_id(actor.session_id)
        return None if session is None else session.device_id

    async def _refused(self, actor: Actor, action: Action, user: User, reason: str) -> None:
        async with self._uow.begin() as tx:
            await self._tries.audit(tx, actor, action, user, reason)
