"""Use cases of getting and leaving an account of one's own."""

from revenge_core.accounts.entities import AccountRules, BootstrapToken
from revenge_core.accounts.errors import AccountInvalid
from revenge_core.accounts.jobs import Purge
from revenge_core.accounts.ports import AccountsTx
from revenge_core.activity.entities import Action, FieldChange, Outcome, Resource
from revenge_core.activity.service import Activity
from revenge_core.actor import NOWHERE, Actor, ActorKind, Origin
from revenge_core.auth.entities import Credential
from revenge_core.auth.service import Passwords
from revenge_core.background import JobContext
from revenge_core.clock import Clock
from revenge_core.errors import Unauthenticated
from revenge_core.rbac.entities import ADMIN, MEMBER, GrantSource, RoleGrant
from revenge_core.secrets import Secret, digest, new_token
from revenge_core.uow import UnitOfWork
from revenge_core.users.entities import NewUser, User
from revenge_core.users.errors import TokenInvalid
from revenge_core.users.service import Addresses, Users


class Accounts:
    """Accounts of people who come and go by themselves, and the first of all."""

    def __init__(  # one argument per port and service that it uses
        self,
        uow: UnitOfWork[AccountsTx],
        passwords: Passwords,
        activity: Activity,
        users: Users,
        addresses: Addresses,
        clock: Clock,
        rules: AccountRules,
    ) -> None:
        self._uow = uow
        self._passwords = passwords
        self._activity = activity
        self._users = users
        self._addresses = addresses
        self._clock = clock
        self._rules = rules

    async def register(self, new: NewUser, password: Secret, origin: Origin = NOWHERE) -> User:
        """Make an account with the role `user`.

        Raises:
            AccountInvalid: fields or the password break rules; all of them are named.
            UsernameTaken, EmailTaken: somebody else has the name or the address.
            HasherBusy: too many sign-ins at this moment.
        """
        password_hash = await self._checked_hash(new, password)
        async with self._uow.begin() as tx:
            user = await self._add_account(tx, new, password_hash, MEMBER, GrantSource.REGISTRATION)
            await self._audit_account(tx, Actor.anonymous(origin), Action.USER_REGISTER, user)
        return user

    async def create_admin(self, actor: Actor, new: NewUser, password: Secret) -> User:
        """Make an admin from the server's own shell; bootstrap tokens are void from then on (decisions I1).

        Raises:
            Unauthenticated: the actor is not the host or Revenge itself.
            AccountInvalid, UsernameTaken, EmailTaken, HasherBusy: as `register`.
        """
        if actor.kind not in {ActorKind.HOST, ActorKind.SYSTEM}:
            raise Unauthenticated
        password_hash = await self._checked_hash(new, password)
        async with self._uow.begin() as tx:
            user = await self._add_account(tx, new, password_hash, ADMIN, GrantSource.MANUAL)
            await tx.bootstrap_tokens.void_all()
            await self._audit_account(tx, actor, Action.USER_CREATE, user)
        return user

    async def issue_bootstrap_token(self) -> Secret | None:
        """A new one-time token for the first admin, voiding the old; None where an admin exists (rulings R22)."""
        async with self._uow.begin() as tx:
            if await tx.roles.has_enabled_admin():
                return None
            token, now = new_token(), self._clock.now()
            lifetime = self._rules.bootstrap_lifetime
            await tx.bootstrap_tokens.replace(
                BootstrapToken(token_hash=digest(token), created_at=now, expires_at=now + lifetime)
            )
            await self._activity.write(tx, Actor.system(), Action.BOOTSTRAP_TOKEN_ISSUE)
        return token

    async def bootstrap(self, token: Secret, new: NewUser, password: Secret, origin: Origin = NOWHERE) -> User:
        """Make the first admin with the printed token, once (decisions I1).

        Raises:
            TokenInvalid: the token is unknown, used, replaced or too old, or there is an admin already.
            AccountInvalid, UsernameTaken, EmailTaken, HasherBusy: as `register`; the token stays good.
        """
        token_hash = digest(token)
        async with self._uow.begin() as tx:
            is_open = await tx.bootstrap_tokens.is_open(token_hash, self._clock.now())
        if not is_open:
            raise await self._refused_bootstrap(origin)
        password_hash = await self._checked_hash(new, password)
        async with self._uow.begin() as tx:
            usable = await tx.bootstrap_tokens.consume(token_hash, self._clock.now())
            # A server that starts while another one gets its first admin may still have given out a token.
            if usable and not await tx.roles.has_enabled_admin():
                user = await self._add_account(tx, new, password_hash, ADMIN, GrantSource.BOOTSTRAP)
                await self._audit_account(tx, Actor.anonymous(origin), Action.USER_BOOTSTRAP, user)
                return user
        raise await self._refused_bootstrap(origin)

    async def delete_me(self, actor: Actor) -> User:
        """Delete the actor's own account: all of its sessions end, and signing in within the grace period undoes it.

        Raises:
            Unauthenticated, ReauthRequired: nobody is signed in, or not lately.
            LastAdmin: nobody else could administer the server.
        """
        raise NotImplementedError

    async def purge(self, _: Purge, ctx: JobContext) -> None:
        """Erase what was deleted long enough ago: accounts with their files and jobs, exports, invitations."""
        async with self._uow.begin() as tx:
            await tx.bootstrap_tokens.forget_expired(self._clock.now())
            await ctx.complete(tx)

    # Parts

    async def _checked_hash(self, new: NewUser, password: Secret) -> Secret:
        problems = [
            *self._users.problems_of(new),
            *self._passwords.problems_of(password, pointer="/password", username=new.username, email=new.email),
        ]
        if problems:
            raise AccountInvalid(problems=problems)
        return await self._passwords.hash(password)

    async def _add_account(
        self, tx: AccountsTx, new: NewUser, password_hash: Secret, role: str, source: GrantSource
    ) -> User:
        user = await self._users.add(tx, new)
        await tx.credentials.put(Credential(user_id=user.id, password_hash=password_hash, changed_at=user.created_at))
        await tx.roles.grant(RoleGrant(user_id=user.id, role=role, source=source, granted_at=user.created_at))
        return user

    async def _audit_account(self, tx: AccountsTx, actor: Actor, action: Action, user: User) -> None:
        await self._activity.write(
            tx,
            actor,
            action,
            resource=Resource(type="user", id=user.id, key=user.username),
            changes={"username": FieldChange(after=user.username), "email": FieldChange(after=user.email)},
        )

    async def _refused_bootstrap(self, origin: Origin) -> TokenInvalid:
        async with self._uow.begin() as tx:
            await self._activity.write(
                tx,
                Actor.anonymous(origin),
                Action.USER_BOOTSTRAP,
                outcome=Outcome.FAILURE,
                reason="token not valid",
            )
        return TokenInvalid()
