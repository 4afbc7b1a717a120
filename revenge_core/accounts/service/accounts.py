"""Use cases of getting and leaving an account of one's own."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from revenge_core.accounts.entities import AccountRules, BootstrapToken, Registration
from revenge_core.accounts.errors import AccountInvalid, RegistrationClosed
from revenge_core.accounts.jobs import EraseFiles, Purge
from revenge_core.accounts.policy import check_not_last
from revenge_core.accounts.ports import AccountsTx
from revenge_core.accounts.service.exports import Exports
from revenge_core.accounts.service.invitations import Invitations
from revenge_core.accounts.service.leaving import Leaving
from revenge_core.activity.entities import Action, FieldChange, Outcome, Resource
from revenge_core.activity.service import NOTHING_CHANGED, Activity
from revenge_core.actor import NOWHERE, Actor, ActorKind, Origin
from revenge_core.auth.entities import Credential
from revenge_core.auth.service import Passwords
from revenge_core.background import JobContext, in_batches
from revenge_core.clock import Clock
from revenge_core.errors import FieldProblem, Unauthenticated
from revenge_core.ids import UserId
from revenge_core.rbac.entities import ADMIN, MEMBER, GrantSource, RoleGrant
from revenge_core.secrets import Secret, digest, new_token
from revenge_core.storage.ports import FileStorage
from revenge_core.uow import UnitOfWork
from revenge_core.users.entities import Listed, NewUser, User
from revenge_core.users.errors import TokenInvalid
from revenge_core.users.service import Addresses, Users

INVITATION_KEPT: Final = timedelta(days=30)
"""How long those who administer still see what an invitation was that lets nobody in."""
BATCH: Final = 1000


class Accounts:
    """Accounts of people who come and go by themselves, and the first of all."""

    def __init__(  # one argument per port and service that it uses
        self,
        uow: UnitOfWork[AccountsTx],
        passwords: Passwords,
        activity: Activity,
        users: Users,
        addresses: Addresses,
        invitations: Invitations,
        leaving: Leaving,
        exports: Exports,
        storage: FileStorage,
        clock: Clock,
        rules: AccountRules,
    ) -> None:
        self._uow = uow
        self._passwords = passwords
        self._activity = activity
        self._users = users
        self._addresses = addresses
        self._invitations = invitations
        self._leaving = leaving
        self._exports = exports
        self._storage = storage
        self._clock = clock
        self._rules = rules

    async def register(
        self, new: NewUser, password: Secret, origin: Origin = NOWHERE, *, invitation: Secret | None = None
    ) -> Listed:
        """Make an account with the role `user`, or with that of an invitation, which lets in wherever it is shown.

        Raises:
            RegistrationClosed: nobody registers here, or not without an invitation (decisions I11).
            TokenInvalid: the invitation lets nobody in; any more, or ever.
            AccountInvalid: fields or the password break rules, or the invitation is for another address; all of them
                are named, and the invitation stays as it was.
            UsernameTaken, EmailTaken: somebody else has the name or the address; the invitation stays as it was.
            HasherBusy: too many sign-ins at this moment.
        """
        if invitation is not None:
            return await self._register_invited(new, password, origin, invitation)
        if self._rules.registration is not Registration.OPEN:
            raise RegistrationClosed
        password_hash = await self._checked_hash(new, password)
        async with self._uow.begin() as tx:
            user = await self._add_account(tx, new, password_hash, MEMBER, GrantSource.REGISTRATION)
            await self._ask_to_verify(tx, user)
            await self._audit_account(tx, Actor.anonymous(origin), Action.USER_REGISTER, user)
        return Listed(user=user, roles=frozenset({MEMBER}))

    async def _register_invited(self, new: NewUser, password: Secret, origin: Origin, token: Secret) -> Listed:
        try:
            invitation = await self._invitations.look(token)
        except TokenInvalid:
            raise await self._refused_token(origin, Action.USER_REGISTER, "invitation not valid") from None
        problems: list[FieldProblem] = []
        invited = invitation.email
        if invited is not None and self._users.key_of(invited) != self._users.key_of(new.email):
            problems.append(FieldProblem(pointer="/email", detail="must be the address that was invited"))
        password_hash = await self._checked_hash(new, password, problems)
        async with self._uow.begin() as tx:
            used = await self._invitations.use(tx, invitation)
            if used is not None:
                # A link that somebody handed over proves no address, and without mail none of them was mailed.
                verified = used.email is not None and self._addresses.can_verify
                source, by = GrantSource.INVITATION, used.created_by
                user = await self._add_account(
                    tx, new, password_hash, used.role, source, granted_by=by, email_verified=verified
                )
                await self._ask_to_verify(tx, user)
                told = {"role": FieldChange(after=used.role), "invitation": FieldChange(after=str(used.id))}
                await self._audit_account(tx, Actor.anonymous(origin), Action.USER_REGISTER, user, told)
                return Listed(user=user, roles=frozenset({used.role}))
        raise await self._refused_token(origin, Action.USER_REGISTER, "invitation not valid")

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
            raise await self._refused_token(origin, Action.USER_BOOTSTRAP, "token not valid")
        password_hash = await self._checked_hash(new, password)
        async with self._uow.begin() as tx:
            usable = await tx.bootstrap_tokens.consume(token_hash, self._clock.now())
            # A server that starts while another one gets its first admin may still have given out a token.
            if usable and not await tx.roles.has_enabled_admin():
                user = await self._add_account(tx, new, password_hash, ADMIN, GrantSource.BOOTSTRAP)
                await self._audit_account(tx, Actor.anonymous(origin), Action.USER_BOOTSTRAP, user)
                return user
        raise await self._refused_token(origin, Action.USER_BOOTSTRAP, "token not valid")

    async def delete_me(self, actor: Actor) -> User:
        """Delete the actor's own account: all of its sessions end, and signing in within the grace period undoes it.

        Raises:
            Unauthenticated, KeyRefused, ReauthRequired: nobody is signed in, or not lately.
            LastAdmin: nobody else could administer the server.
        """
        user_id = actor.require_person()
        actor.require_proof(self._clock.now())
        jobs = await self._leaving.jobs_of(user_id)
        async with self._uow.begin() as tx:
            admins = await tx.roles.lock_admins()
            user = await tx.users.lock(user_id)
            if user is None:
                raise Unauthenticated
            check_not_last(admins, user_id)
            return await self._leaving.delete(tx, actor, user, jobs=jobs, may_return=True)

    async def purge(self, _: Purge, ctx: JobContext) -> None:
        """Erase accounts deleted long enough ago, files of old exports, tokens and invitations that let nobody in."""
        now = self._clock.now()
        await in_batches(ctx, "erasing accounts", lambda: self._leaving.erase_due(by=now))
        await in_batches(ctx, "forgetting invitations", lambda: self._forget_invitations(now - INVITATION_KEPT))
        await in_batches(ctx, "removing exports", self._exports.expire)
        async with self._uow.begin() as tx:
            await tx.bootstrap_tokens.forget_expired(now)
            await ctx.complete(tx)

    async def erase_files(self, job: EraseFiles, _: JobContext) -> None:
        """Remove files that nobody needs any more. What is gone already is as good."""
        for key in job.keys:
            await self._storage.delete(key)

    # Parts

    async def _checked_hash(self, new: NewUser, password: Secret, problems: Sequence[FieldProblem] = ()) -> Secret:
        """The password's hash, if neither it nor the rest of the account has problems, besides those found already."""
        problems = [
            *problems,
            *self._users.problems_of(new),
            *self._passwords.problems_of(password, pointer="/password", username=new.username, email=new.email),
        ]
        if problems:
            raise AccountInvalid(problems=problems)
        return await self._passwords.hash(password)

    async def _add_account(  # what an account is made of, by name
        self,
        tx: AccountsTx,
        new: NewUser,
        password_hash: Secret,
        role: str,
        source: GrantSource,
        *,
        granted_by: UserId | None = None,
        email_verified: bool = False,
    ) -> User:
        user = await self._users.add(tx, new, email_verified=email_verified)
        now = user.created_at
        await tx.credentials.put(Credential(user_id=user.id, password_hash=password_hash, changed_at=now))
        await tx.roles.grant(
            RoleGrant(user_id=user.id, role=role, source=source, granted_at=now, granted_by=granted_by)
        )
        return user

    async def _ask_to_verify(self, tx: AccountsTx, user: User) -> None:
        if self._addresses.can_verify and not user.email_verified:
            await self._addresses.ask(tx, user)

    async def _audit_account(
        self,
        tx: AccountsTx,
        actor: Actor,
        action: Action,
        user: User,
        told: Mapping[str, FieldChange] = NOTHING_CHANGED,
    ) -> None:
        await self._activity.write(
            tx,
            actor,
            action,
            resource=Resource(type="user", id=user.id, key=user.username),
            changes={
                "username": FieldChange(after=user.username),
                "email": FieldChange(after=user.email),
                **told,
            },
        )

    async def _refused_token(self, origin: Origin, action: Action, reason: str) -> TokenInvalid:
        async with self._uow.begin() as tx:
            await self._activity.write(tx, Actor.anonymous(origin), action, outcome=Outcome.FAILURE, reason=reason)
        return TokenInvalid()

    async def _forget_invitations(self, before: datetime) -> int:
        async with self._uow.begin() as tx:
            return await tx.invitations.forget(before=before, limit=BATCH)
