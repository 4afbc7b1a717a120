"""Use cases of forgotten passwords (decisions I9)."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from msgspec.structs import replace

from revenge_core.activity.entities import Action, Outcome, Resource
from revenge_core.activity.service import Activity
from revenge_core.actor import NOWHERE, Actor, ActorKind, Origin
from revenge_core.auth.entities import AuthRules, Credential, PasswordReset
from revenge_core.auth.errors import PasswordRefused
from revenge_core.auth.jobs import SendReset
from revenge_core.auth.ports import AuthTx
from revenge_core.auth.service.news import News
from revenge_core.auth.service.passwords import Passwords
from revenge_core.background import CancelJob, JobContext
from revenge_core.clock import Clock
from revenge_core.errors import Unauthenticated
from revenge_core.feed import Change
from revenge_core.ids import UserId
from revenge_core.mail.entities import Notice
from revenge_core.mail.errors import MailOff
from revenge_core.mail.service import Notices
from revenge_core.secrets import Secret, digest, new_token
from revenge_core.sessions.entities import EndReason
from revenge_core.sessions.service import Sessions
from revenge_core.uow import UnitOfWork
from revenge_core.users.entities import OneTimeToken, Purpose, User
from revenge_core.users.errors import TokenInvalid, UserInvalid, UserNotFound
from revenge_core.users.service import Addresses, Users

PAUSE: Final = timedelta(minutes=5)
"""Between two mails to one account that strangers asked for, unless the link of the first was used meanwhile."""
ADMINISTRATOR: Final = "an administrator"
"""What the mail says where it otherwise names the address of whoever asked."""
_MINUTE: Final = timedelta(minutes=1)
_SOMEWHERE: Final = "an unknown address"


class Recovery:
    """Passwords that nobody remembers."""

    def __init__(  # one argument per port and service that it uses
        self,
        uow: UnitOfWork[AuthTx],
        passwords: Passwords,
        notices: Notices,
        activity: Activity,
        sessions: Sessions,
        clock: Clock,
        rules: AuthRules,
    ) -> None:
        self._uow = uow
        self._passwords = passwords
        self._notices = notices
        self._news = News(notices, clock)
        self._activity = activity
        self._sessions = sessions
        self._clock = clock
        self._rules = rules

    async def forgot(self, email: str, origin: Origin = NOWHERE) -> None:
        """Mail a link to set a new password, if an account has this address.

        What happens here is the same for every address, and takes the same time: a job looks who it is (ASVS 6.3.8),
        and adds to the audit log what came of it.

        Raises:
            UserInvalid: it is no address.
            MailOff: this server sends no mail, whoever asks (identity.md, 37).
        """
        if problems := Addresses.problems_of(email):
            raise UserInvalid(problems=problems)
        if not self._notices.are_on:
            raise MailOff("This server sends no mail; ask an administrator for a link to set a new password")
        job = SendReset(email=Secret(email), address=origin.address, asked_at=self._clock.now())
        async with self._uow.begin() as tx:
            await tx.jobs.enqueue(job)
            await self._audit_request(tx, Actor.anonymous(origin), None)

    async def send(self, job: SendReset, ctx: JobContext) -> None:
        """Look whose address it is, and mail the link. Accounts that are disabled or gone get none.

        Nor does one that got a link less than five minutes ago which is still good: strangers can ask as well, and
        nobody's mailbox is to be flooded. Nobody hears of that.

        Raises:
            CancelJob: it waited longer than a link is good; whoever asked has asked again.
        """
        now = self._clock.now()
        if now - job.asked_at > self._rules.reset_lifetime:
            raise CancelJob("whoever asked has waited for too long")
        actor = Actor.anonymous(Origin(address=job.address))
        async with self._uow.begin() as tx:
            key = Users.key_of(job.email.reveal())
            user_id = await tx.users.id_of_email(key)
            user = None if user_id is None else await tx.users.lock(user_id)
            if user is None or user.email_key != key:
                await self._audit_request(tx, actor, None, "nobody has this address")
            elif not user.is_active:
                await self._audit_request(tx, actor, user, "disabled")
            elif not await self._was_just_sent(tx, user):
                said = self._notices.time(job.asked_at, user.timezone)
                await self._mail(tx, user, asked_at=said, asked_from=job.address or _SOMEWHERE)
                await self._audit_request(tx, actor, user)
            await ctx.complete(tx)

    async def send_to(self, tx: AuthTx, user: User) -> None:
        """Mail the link in an administrator's transaction, which audits it; links sent before are void.

        Raises:
            MailOff: this server sends no mail.
        """
        if not self._notices.are_on:
            raise MailOff
        said = self._notices.time(self._clock.now(), user.timezone)
        await self._mail(tx, user, asked_at=said, asked_from=ADMINISTRATOR)

    async def send_first(self, tx: AuthTx, user: User) -> None:
        """Tell somebody of the account that was made for them, with the link that sets its first password."""
        await self._mail_link(tx, user, Notice.ACCOUNT_MADE, {})

    async def link_for(self, tx: AuthTx, user: User) -> PasswordReset:
        """The same as a link to hand over, where no mail is sent. It proves nothing about the account's address."""
        token, kept = self._new_token(user, None)
        await tx.one_time_tokens.put(kept)
        return PasswordReset(link=self._notices.link("reset", token), expires_at=kept.expires_at)

    async def reset_link(self, actor: Actor, user_id: UserId) -> PasswordReset:
        """A link for somebody who cannot get mail, from the server's own shell (rulings R37); it is audited.

        Raises:
            Unauthenticated: the actor is not the host or Revenge itself.
            UserNotFound: there is no such living account.
        """
        if actor.kind not in {ActorKind.HOST, ActorKind.SYSTEM}:
            raise Unauthenticated
        async with self._uow.begin() as tx:
            user = await tx.users.lock(user_id)
            if user is None:
                raise UserNotFound
            await self._audit_request(tx, actor, user)
            return await self.link_for(tx, user)

    async def reset(self, token: Secret, new: Secret, origin: Origin = NOWHERE) -> None:
        """Set a new password with a link: every session and refresh token ends, every device is unknown again.

        An address to which the link was mailed counts as verified; one that was pending is forgotten, since somebody
        else may have asked for it. Factors stay (ASVS 6.4.3), the owner is told.

        Raises:
            TokenInvalid: the token is no good any more; the attempt is audited.
            PasswordRefused: `new` breaks a rule; the token stays good.
            HasherBusy: too many sign-ins at this moment; the token stays good.
        """
        token_hash = digest(token)
        try:
            async with self._uow.begin() as tx:
                user = await self._owner_of(tx, token_hash)
            problems = self._passwords.problems_of(
                new, pointer="/new_password", username=user.username, email=user.email
            )
            if problems:
                raise PasswordRefused(problems=problems)
            password_hash = await self._passwords.hash(new)
            async with self._uow.begin() as tx:
                await self._reset(tx, token_hash, password_hash, origin)
        except TokenInvalid:
            async with self._uow.begin() as tx:
                await self._activity.write(
                    tx,
                    Actor.anonymous(origin),
                    Action.USER_PASSWORD_RESET,
                    outcome=Outcome.FAILURE,
                    reason="token not valid",
                )
            raise

    async def _reset(self, tx: AuthTx, token_hash: bytes, password_hash: Secret, origin: Origin) -> None:
        before, now = await self._owner_of(tx, token_hash), self._clock.now()
        used = await tx.one_time_tokens.consume(token_hash, Purpose.PASSWORD_RESET, now)
        if used is None:
            raise TokenInvalid
        after = replace(
            before,
            email_verified=before.email_verified or used.email is not None,
            pending_email=None,
            epoch=before.epoch + 1,
            version=before.version + 1,
            updated_at=now,
        )
        await tx.users.update(after)
        await tx.credentials.put(Credential(user_id=after.id, password_hash=password_hash, changed_at=now))
        actor = Actor(kind=ActorKind.USER, user_id=after.id, origin=origin)  # whoever reads its mail is its owner
        await self._sessions.end_all(
            tx, actor, after.id, EndReason.PASSWORD_RESET, Action.SESSION_REVOKE_ALL, keep=None
        )
        await tx.sessions.void_device_tokens(after.id, None)
        await tx.one_time_tokens.void(after.id, *Purpose)
        await tx.guesses.clear(str(after.id))  # whoever forgot has used up their tries
        tx.feed.publish(Change.of_user(after.id))
        await self._activity.write(tx, actor, Action.USER_PASSWORD_RESET, resource=Resource(type="user", id=after.id))
        await self._news.password_changed(tx, after, origin)

    async def _owner_of(self, tx: AuthTx, token_hash: bytes) -> User:
        """Whose password the token sets, locked; the token itself stays as it is.

        Raises:
            TokenInvalid: nobody's: it is no good, its owner is disabled or gone, or has another address by now.
        """
        found = await tx.one_time_tokens.find(token_hash, Purpose.PASSWORD_RESET, self._clock.now())
        user = None if found is None else await tx.users.lock(found.user_id)
        if found is None or user is None or not user.is_active:
            raise TokenInvalid
        if found.email is not None and Users.key_of(found.email) != user.email_key:
            raise TokenInvalid
        return user

    async def _was_just_sent(self, tx: AuthTx, user: User) -> bool:
        last = await tx.one_time_tokens.of_user(user.id, Purpose.PASSWORD_RESET)
        now = self._clock.now()
        return last is not None and last.email is not None and now < min(last.created_at + PAUSE, last.expires_at)

    async def _mail(self, tx: AuthTx, user: User, *, asked_at: str, asked_from: str) -> None:
        await self._mail_link(tx, user, Notice.PASSWORD_RESET, {"address": asked_from, "time": asked_at})

    async def _mail_link(self, tx: AuthTx, user: User, notice: Notice, more: Mapping[str, str]) -> None:
        token, kept = self._new_token(user, user.email)
        await tx.one_time_tokens.put(kept)
        values: dict[str, str | Secret] = {
            "name": user.username,
            "link": self._notices.link("reset", token),
            "minutes": f"{self._rules.reset_lifetime / _MINUTE:g}",
            **more,
        }
        await self._notices.send(tx, user.email, notice, values, good_until=kept.expires_at)

    def _new_token(self, user: User, email: str | None) -> tuple[Secret, OneTimeToken]:
        now, token = self._clock.now(), new_token()
        return token, OneTimeToken(
            token_hash=digest(token),
            purpose=Purpose.PASSWORD_RESET,
            user_id=user.id,
            email=email,
            created_at=now,
            expires_at=now + self._rules.reset_lifetime,
        )

    async def _audit_request(self, tx: AuthTx, actor: Actor, user: User | None, refusal: str | None = None) -> None:
        """What was typed as an address is not kept where nobody has it."""
        await self._activity.write(
            tx,
            actor,
            Action.USER_PASSWORD_RESET_REQUEST,
            resource=None if user is None else Resource(type="user", id=user.id),
            outcome=Outcome.SUCCESS if refusal is None else Outcome.FAILURE,
            reason=refusal,
            on_behalf_of=None if user is None else user.id,
        )
