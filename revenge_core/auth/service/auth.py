"""Use cases of signing in. Every path that makes a session goes through `Auth.complete_login` (decisions I8)."""

from datetime import timedelta
from typing import Final

from msgspec.structs import replace

from revenge_core.activity.entities import Action, FieldChange, Resource
from revenge_core.activity.service import Activity
from revenge_core.actor import NOWHERE, Actor, ActorKind, Origin
from revenge_core.auth.entities import AuthRules, Credential, Proof, SignedIn, TokenPair
from revenge_core.auth.errors import (
    CredentialsInvalid,
    EmailUnverified,
)
from revenge_core.auth.jobs import CleanUp
from revenge_core.auth.policy import may_sign_in
from revenge_core.auth.ports import AccountReader, AuthTx, PrincipalReader
from revenge_core.auth.service.guessing import Guessing
from revenge_core.auth.service.issuing import Issuer
from revenge_core.auth.service.news import News
from revenge_core.auth.service.passwords import Passwords
from revenge_core.auth.service.proofs import Proofs
from revenge_core.auth.service.signing_keys import SigningKeys
from revenge_core.auth.service.tries import Tries
from revenge_core.background import JobContext, in_batches
from revenge_core.clock import Clock
from revenge_core.feed import Change
from revenge_core.ids import SessionId, UserId
from revenge_core.rbac.service import Rbac
from revenge_core.secrets import Secret, digest
from revenge_core.sessions.entities import ClientType, EndReason, Renewed, Stolen
from revenge_core.sessions.errors import RefreshTokenInvalid, SessionEnded
from revenge_core.sessions.service import Devices, Sessions
from revenge_core.uow import UnitOfWork
from revenge_core.users.entities import Listed, Purpose, User
from revenge_core.users.service import Addresses, Users

BATCH: Final = 1000
REMINDED_EVERY: Final = timedelta(minutes=5)
"""Whoever tries to sign in before their address is verified gets a mail at most so often."""


class Auth:
    """Signing in, staying signed in, signing out."""

    def __init__(  # one argument per port and service that it uses
        self,
        uow: UnitOfWork[AuthTx],
        accounts: AccountReader,
        principals: PrincipalReader,
        passwords: Passwords,
        tries: Tries,
        proofs: Proofs,
        issuer: Issuer,
        keys: SigningKeys,
        guessing: Guessing,
        news: News,
        activity: Activity,
        users: Users,
        addresses: Addresses,
        devices: Devices,
        sessions: Sessions,
        rbac: Rbac,
        clock: Clock,
        rules: AuthRules,
    ) -> None:
        self._uow = uow
        self._accounts = accounts
        self._principals = principals
        self._passwords = passwords
        self._tries = tries
        self._proofs = proofs
        self._issuer = issuer
        self._keys = keys
        self._guessing = guessing
        self._news = news
        self._activity = activity
        self._users = users
        self._addresses = addresses
        self._devices = devices
        self._sessions = sessions
        self._rbac = rbac
        self._clock = clock
        self._rules = rules

    # Proving who one is

    async def change_password(self, actor: Actor, old: Secret, new: Secret) -> None:
        """Replace the actor's password; every other session of theirs ends, this one goes on (rulings R17).

        Raises:
            Unauthenticated: nobody is signed in, or the account is gone.
            PasswordRefused: `new` breaks a rule; `old` was not looked at.
            TooManyAttempts: `old` may not be tried now.
            OldPasswordWrong: `old` is not the present password; the attempt is audited.
            HasherBusy: too many sign-ins at this moment.
        """
        await self._proofs.change_password(actor, old, new)

    async def reauthenticate(self, actor: Actor, password: Secret) -> Proof:
        """Prove once more who one is: the session goes on, and what asks for a recent proof is open (decisions W12).

        Raises:
            Unauthenticated: the actor did not come with a session, or the account is gone.
            TooManyAttempts: the password may not be tried now.
            ProofWrong: it is wrong; the attempt is audited, the session goes on.
            HasherBusy: too many sign-ins at this moment.
        """
        return await self._proofs.reauthenticate(actor, password)

    # Signing in and out

    async def login(
        self,
        login: str,
        password: Secret,
        origin: Origin = NOWHERE,
        *,
        device_name: str | None = None,
        client_type: ClientType | None = None,
        device_token: Secret | None = None,
    ) -> SignedIn:
        """Sign in with a user name or an address, and a password.

        Whoever deleted the account themselves gets it back (rulings R20). A `device_token` of this account's devices
        makes this one known (rulings R18).

        Raises:
            CredentialsInvalid: unknown, wrong, disabled or deleted: one answer, in one timing band; it is audited.
            TooManyAttempts: the password may not be tried now, whether the account exists or not (rulings R19).
            EmailUnverified: the password is right, but the address is to be verified first; a mail says how.
            HasherBusy: too many sign-ins at this moment; nothing was judged.
        """
        key = self._users.key_of(login)
        account = await self._accounts.by_login(key)
        device = await self._devices.known(account.user.id if account else None, device_token)
        guess = await self._tries.at(account, key, password, origin, device=device)
        if account is None:
            raise await self._refused(None, "unknown user", origin)
        if guess is None or not may_sign_in(account.user, self._clock.now()):
            reason = "wrong password" if guess is None else "disabled" if account.user.deleted_at is None else "deleted"
            raise await self._refused(account.user, reason, origin)
        upgraded = await self._passwords.upgraded(account.credential.password_hash, password)
        signed_in: SignedIn | None = None
        async with self._uow.begin() as tx:
            found = await self._locked(tx, account.user)
            if found is not None:
                if upgraded is not None:
                    user_id, changed_at = found.user.id, account.credential.changed_at
                    await tx.credentials.put(Credential(user_id=user_id, password_hash=upgraded, changed_at=changed_at))
                signed_in = await self.complete_login(
                    tx,
                    found,
                    origin,
                    methods=("pwd",),
                    device_name=device_name,
                    client_type=client_type,
                    device_token=device_token,
                )
                await self._tries.refund(tx, guess)
        if found is None:
            raise await self._refused(account.user, "changed meanwhile", origin)
        if signed_in is None:
            raise EmailUnverified
        return signed_in

    async def complete_login(
        self,
        tx: AuthTx,
        found: Listed,
        origin: Origin,
        *,
        methods: tuple[str, ...],
        device_name: str | None,
        client_type: ClientType | None,
        device_token: Secret | None = None,
    ) -> SignedIn | None:
        """The one gate: makes the session and its tokens, for a user locked in `tx` who has proven who they are.

        None where the address is to be verified first: the caller lets `tx` commit all the same, since a mail that
        says how may be in it.
        """
        user = found.user
        actor = Actor(kind=ActorKind.USER, user_id=user.id, origin=origin)
        if self._addresses.must_verify and self._addresses.can_verify and not user.email_verified:
            await self._remind(tx, user)
            await self._tries.audit(tx, actor, Action.USER_LOGIN, user, "address not verified")
            return None
        restored = user.deleted_at is not None
        if restored:
            user = await self._restored(tx, user, actor)
        opened = await self._sessions.open(
            tx,
            user.id,
            user.epoch,
            origin,
            methods=methods,
            device_name=device_name,
            client_type=client_type,
            device_token=device_token,
        )
        session, now = opened.session, opened.session.created_at
        if opened.should_tell and user.last_login_at is not None:  # before the first sign-in there is nobody to warn
            await self._news.new_device(tx, user, opened)
        await tx.users.mark_login(user.id, now)
        tx.feed.publish(Change.of_user(user.id))
        await self._activity.write(
            tx, replace(actor, session_id=session.id), Action.USER_LOGIN, resource=Resource(type="user", id=user.id)
        )
        return SignedIn(
            user=replace(user, last_login_at=now),
            roles=found.roles,
            session=session,
            tokens=self._issuer.pair(session, opened.refresh_token, now),
            device_token=opened.device_token,
            restored=restored,
        )

    async def refresh(self, refresh_token: Secret, origin: Origin = NOWHERE) -> TokenPair:
        """Exchange a refresh token for a new pair; a lost answer is given again for a while (rulings R16).

        Raises:
            RefreshTokenInvalid: unknown, or its session is over, or it was old: then that session ends, and no other,
                and its owner is told.
        """
        async with self._uow.begin() as tx:
            renewed = await self._sessions.renew(tx, refresh_token, origin)
            if isinstance(renewed, Stolen):
                await self._news.stolen(tx, renewed)
        if not isinstance(renewed, Renewed):
            raise RefreshTokenInvalid
        return self._issuer.pair(renewed.session, renewed.refresh_token, self._clock.now())

    async def logout(self, actor: Actor, refresh_token: Secret | None = None, *, everywhere: bool = False) -> None:
        """End the actor's session, and the one of `refresh_token` if it is theirs as well; or all of them.

        Raises:
            Unauthenticated, KeyRefused: nobody is signed in, or it is an API key (decisions A4).
        """
        user_id = actor.require_person()
        sessions = {actor.session_id, await self._session_of(refresh_token, user_id)}
        async with self._uow.begin() as tx:
            if everywhere:
                await self._sessions.end_all(tx, actor, user_id, EndReason.LOGOUT, Action.USER_LOGOUT, keep=None)
                return
            for session_id in sorted(known for known in sessions if known is not None):
                await self._sessions.end_one(tx, actor, session_id, EndReason.LOGOUT, Action.USER_LOGOUT)

    async def session_of(self, refresh_token: Secret) -> SessionId | None:
        """The session that a refresh token belongs to, whether or not either is still good; None if it never was.

        For browsers, whose unsafe requests are checked against their session before anything is done (rulings R15).
        """
        async with self._uow.begin() as tx:
            family = await tx.refresh_tokens.lock_family(digest(refresh_token))
        return family.session.id if family is not None else None

    async def authenticate(self, access_token: str, origin: Origin = NOWHERE) -> Actor:
        """Who holds this access token, with the rights of this moment (decisions I4).

        Raises:
            AccessTokenInvalid: not signed by this server, malformed or expired.
            SessionEnded: its session is over, its user disabled or deleted, or the password changed.
        """
        now = self._clock.now()
        claims = await self._keys.verify(access_token, now)
        principal = await self._principals.principal(claims.session_id)
        if principal is None or principal.session.user_id != claims.user_id:
            raise SessionEnded
        session = principal.session
        if not session.is_live(user_epoch=principal.user_epoch, user_active=principal.user_active, now=now):
            raise SessionEnded
        self._sessions.saw(session, origin, now)
        return Actor(
            kind=ActorKind.USER,
            user_id=claims.user_id,
            session_id=claims.session_id,
            roles=principal.roles,
            permissions=await self._rbac.permissions_of(principal.roles),
            proven_until=session.authenticated_at + self._rules.proof_lifetime,
            origin=origin,
        )

    async def load_signing_keys(self) -> None:
        """Use the database's signing keys; the first start makes one.

        Raises:
            MasterSecretMismatch: they were wrapped with another master secret (rulings R21).
        """
        await self._keys.load()

    async def rotate_signing_key(self, actor: Actor) -> None:
        """Sign with a new key from now on; nobody is logged out (decisions I3).

        Raises:
            Unauthenticated: the actor is not the host or Revenge itself.
        """
        await self._keys.rotate(actor)

    # Housekeeping

    async def clean_up(self, _: CleanUp, ctx: JobContext) -> None:
        """Forget one-time tokens that expired, and counts of guesses that say nothing any more."""
        await in_batches(ctx, "forgetting one-time tokens", self._forget_tokens)
        await in_batches(ctx, "telling of refused guesses", lambda: self._guessing.tell_rest(limit=BATCH))
        await in_batches(ctx, "forgetting guesses", lambda: self._guessing.forget_old(limit=BATCH))
        async with self._uow.begin() as tx:
            await ctx.complete(tx)

    async def _forget_tokens(self) -> int:
        async with self._uow.begin() as tx:
            return await tx.one_time_tokens.forget_expired(by=self._clock.now(), limit=BATCH)

    # Parts

    async def _locked(self, tx: AuthTx, seen: User) -> Listed | None:
        """The account, locked; None if what was checked about it no longer holds."""
        found = await tx.users.lock_listed(seen.id)
        if found is None or not may_sign_in(found.user, self._clock.now()) or found.user.epoch != seen.epoch:
            return None
        return found

    async def _restored(self, tx: AuthTx, user: User, actor: Actor) -> User:
        back = Users.restored(user, self._clock.now())
        await tx.users.update(back)
        changes = {"is_deleted": FieldChange(before=True, after=False)}
        resource = Resource(type="user", id=user.id)
        await self._activity.write(tx, actor, Action.USER_RESTORE, resource=resource, changes=changes)
        await self._news.restored(tx, back)
        return back

    async def _remind(self, tx: AuthTx, user: User) -> None:
        """Mail the link that verifies the address again, unless that was done a moment ago."""
        last = await tx.one_time_tokens.of_user(user.id, Purpose.EMAIL_VERIFY)
        if last is None or self._clock.now() - last.created_at >= REMINDED_EVERY:
            await self._addresses.ask(tx, user)

    async def _session_of(self, refresh_token: Secret | None, user_id: UserId) -> SessionId | None:
        """The user's session that the token belongs to.

        Looked up in a transaction of its own, which lets go of the session again: whoever ends several sessions locks
        them in the order of their ids, so that two who log each other out do not wait for each other.
        """
        if refresh_token is None:
            return None
        async with self._uow.begin() as tx:
            family = await tx.refresh_tokens.lock_family(digest(refresh_token))
        return family.session.id if family is not None and family.session.user_id == user_id else None

    async def _refused(self, user: User | None, reason: str, origin: Origin) -> CredentialsInvalid:
        async with self._uow.begin() as tx:
            await self._tries.audit(tx, Actor.anonymous(origin), Action.USER_LOGIN, user, reason)
        return CredentialsInvalid()
