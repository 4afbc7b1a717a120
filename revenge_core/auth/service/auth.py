"""Use cases of signing in. Every path that makes a session goes through `Auth.complete_login` (decisions I8)."""

from datetime import datetime

from msgspec.structs import replace

from revenge_core.activity.entities import Action, Outcome, Resource
from revenge_core.activity.service import Activity
from revenge_core.actor import NOWHERE, Actor, ActorKind, Origin
from revenge_core.auth.entities import AuthRules, Credential, SignedIn, TokenPair
from revenge_core.auth.errors import CredentialsInvalid, OldPasswordWrong, PasswordRefused
from revenge_core.auth.jobs import CleanUp
from revenge_core.auth.ports import AccessTokens, AccountReader, AuthTx, PrincipalReader
from revenge_core.auth.service.passwords import Passwords
from revenge_core.auth.service.signing_keys import SigningKeys
from revenge_core.background import JobContext
from revenge_core.clock import Clock
from revenge_core.errors import Unauthenticated
from revenge_core.feed import Change
from revenge_core.ids import Ids, SessionId, UserId
from revenge_core.rbac.service import Rbac
from revenge_core.secrets import Secret, digest
from revenge_core.sessions.entities import ClientType, EndReason, Renewed, Session
from revenge_core.sessions.errors import RefreshTokenInvalid, SessionEnded
from revenge_core.sessions.service import Sessions
from revenge_core.uow import UnitOfWork
from revenge_core.users.entities import User
from revenge_core.users.service import Users


class Auth:
    """Signing in, staying signed in, signing out."""

    def __init__(  # one argument per port and service that it uses
        self,
        uow: UnitOfWork[AuthTx],
        accounts: AccountReader,
        principals: PrincipalReader,
        passwords: Passwords,
        tokens: AccessTokens,
        keys: SigningKeys,
        activity: Activity,
        users: Users,
        sessions: Sessions,
        rbac: Rbac,
        clock: Clock,
        ids: Ids,
        rules: AuthRules,
    ) -> None:
        self._uow = uow
        self._accounts = accounts
        self._principals = principals
        self._passwords = passwords
        self._tokens = tokens
        self._keys = keys
        self._activity = activity
        self._users = users
        self._sessions = sessions
        self._rbac = rbac
        self._clock = clock
        self._ids = ids
        self._rules = rules

    async def change_password(self, actor: Actor, old: Secret, new: Secret) -> None:
        """Replace the actor's password; every other session of theirs ends, this one goes on (rulings R17).

        Raises:
            Unauthenticated: nobody is signed in, or the account is gone.
            OldPasswordWrong: `old` is not the present password; the attempt is audited.
            PasswordRefused: `new` breaks a rule.
            HasherBusy: too many sign-ins at this moment.
        """
        user_id = actor.require_user()
        account = await self._accounts.of_user(user_id)
        if account is None:
            raise Unauthenticated
        user = account.user
        if not await self._passwords.matches(account.credential.password_hash, old):
            await self._audit_refusal(actor, Action.USER_PASSWORD_CHANGE, user, "old password wrong")
            raise OldPasswordWrong
        problems = self._passwords.problems_of(new, pointer="/new_password", username=user.username, email=user.email)
        if problems:
            raise PasswordRefused(problems=problems)
        password_hash = await self._passwords.hash(new)
        async with self._uow.begin() as tx:
            locked = await tx.users.lock(user_id)
            if locked is not None and locked.epoch == user.epoch:
                now, epoch = self._clock.now(), locked.epoch + 1
                await tx.users.update(replace(locked, epoch=epoch, updated_at=now))
                await tx.credentials.put(Credential(user_id=user_id, password_hash=password_hash, changed_at=now))
                await self._sessions.end_all(
                    tx, actor, user_id, EndReason.PASSWORD_CHANGED, Action.SESSION_REVOKE_ALL, keep=actor.session_id
                )
                if actor.session_id is not None:
                    await tx.sessions.restamp(actor.session_id, epoch)
                tx.feed.publish(Change.of_user(user_id))
                await self._activity.write(
                    tx, actor, Action.USER_PASSWORD_CHANGE, resource=Resource(type="user", id=user_id)
                )
                return
        await self._audit_refusal(actor, Action.USER_PASSWORD_CHANGE, user, "changed meanwhile")
        raise OldPasswordWrong

    # Signing in and out

    async def login(
        self,
        login: str,
        password: Secret,
        origin: Origin = NOWHERE,
        *,
        device_name: str | None = None,
        client_type: ClientType | None = None,
    ) -> SignedIn:
        """Sign in with a user name or an address, and a password.

        Raises:
            CredentialsInvalid: unknown, wrong or disabled: one answer, in one timing band; the attempt is audited.
            HasherBusy: too many sign-ins at this moment; nothing was judged.
        """
        account = await self._accounts.by_login(self._users.login_key(login))
        stored = account.credential.password_hash if account else None
        matches = await self._passwords.matches(stored, password)
        if account is None or stored is None or not matches or not account.user.is_active:
            reason = "unknown user" if account is None else "wrong password" if not matches else "disabled"
            raise await self._refused(account.user if account else None, reason, origin)
        upgraded = await self._passwords.upgraded(stored, password)
        async with self._uow.begin() as tx:
            user = await tx.users.lock(account.user.id)
            if user is not None and user.is_active and user.epoch == account.user.epoch:
                if upgraded is not None:
                    changed_at = account.credential.changed_at
                    await tx.credentials.put(Credential(user_id=user.id, password_hash=upgraded, changed_at=changed_at))
                return await self.complete_login(
                    tx, user, origin, methods=("pwd",), device_name=device_name, client_type=client_type
                )
        raise await self._refused(account.user, "changed meanwhile", origin)

    async def complete_login(
        self,
        tx: AuthTx,
        user: User,
        origin: Origin,
        *,
        methods: tuple[str, ...],
        device_name: str | None,
        client_type: ClientType | None,
    ) -> SignedIn:
        """The one gate: makes the session and its tokens, for a user locked in `tx` who has proven who they are."""
        opened = await self._sessions.open(
            tx, user.id, user.epoch, origin, methods=methods, device_name=device_name, client_type=client_type
        )
        session, refresh_token = opened.session, opened.refresh_token
        now = session.created_at
        await tx.users.mark_login(user.id, now)
        tx.feed.publish(Change.of_user(user.id))
        roles = await tx.roles.roles_of(user.id)
        await self._activity.write(
            tx,
            Actor(kind=ActorKind.USER, user_id=user.id, session_id=session.id, origin=origin),
            Action.USER_LOGIN,
            resource=Resource(type="user", id=user.id),
        )
        return SignedIn(
            user=replace(user, last_login_at=now),
            roles=roles,
            session=session,
            tokens=self._pair(session, refresh_token, now),
        )

    async def refresh(self, refresh_token: Secret, origin: Origin = NOWHERE) -> TokenPair:
        """Exchange a refresh token for a new pair; a lost answer is given again for a while (rulings R16).

        Raises:
            RefreshTokenInvalid: unknown, or its session is over, or it was old: then that session ends, and no other.
        """
        async with self._uow.begin() as tx:
            renewed = await self._sessions.renew(tx, refresh_token, origin)
        if not isinstance(renewed, Renewed):
            raise RefreshTokenInvalid
        return self._pair(renewed.session, renewed.refresh_token, self._clock.now())

    async def logout(self, actor: Actor, refresh_token: Secret | None = None, *, everywhere: bool = False) -> None:
        """End the actor's session, and the one of `refresh_token` if it is theirs as well; or all of them.

        Raises:
            Unauthenticated: nobody is signed in.
        """
        user_id = actor.require_user()
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
        """Forget tokens that nobody can use any more.

        Whatever else is of no use after a while gets a line here; what may be many, a batch at a time (`in_batches`).
        """
        async with self._uow.begin() as tx:
            await ctx.complete(tx)

    # Parts

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
        await self._audit_refusal(Actor.anonymous(origin), Action.USER_LOGIN, user, reason)
        return CredentialsInvalid()

    async def _audit_refusal(self, actor: Actor, action: Action, user: User | None, reason: str) -> None:
        """What was typed as a user name is not kept: now and then it is a password."""
        async with self._uow.begin() as tx:
            await self._activity.write(
                tx,
                actor,
                action,
                resource=Resource(type="user", id=user.id, key=user.username) if user else None,
                outcome=Outcome.FAILURE,
                reason=reason,
            )

    def _pair(self, session: Session, refresh_token: Secret, now: datetime) -> TokenPair:
        access = self._tokens.issue(session.user_id, session.id, token_id=self._ids.new().hex, now=now)
        lifetime = int(self._rules.access_token_lifetime.total_seconds())
        return TokenPair(
            access_token=access,
            refresh_token=refresh_token,
            expires_in=lifetime,
            session_id=session.id,
            session_expires_in=int((session.expires_at - now).total_seconds()),
        )
