"""Use cases of e-mail addresses: prove that mail is read, and change where it goes (decisions I9)."""

from datetime import timedelta
from typing import Final

from msgspec.structs import replace

from revenge_core.activity.entities import Action, FieldChange, Outcome, Resource
from revenge_core.activity.service import Activity
from revenge_core.actor import NOWHERE, Actor, ActorKind, Origin
from revenge_core.clock import Clock
from revenge_core.errors import FieldProblem, Unauthenticated
from revenge_core.feed import Change
from revenge_core.mail.entities import Notice
from revenge_core.mail.errors import MailOff
from revenge_core.mail.service import Notices
from revenge_core.secrets import Secret, digest, new_token
from revenge_core.uow import UnitOfWork
from revenge_core.users.entities import AddressRules, OneTimeToken, Purpose, User
from revenge_core.users.errors import (
    EmailChangeTooSoon,
    EmailChangeUnavailable,
    EmailTaken,
    EmailVerified,
    TokenInvalid,
)
from revenge_core.users.policy import email_problems, name_key
from revenge_core.users.ports import UsersTx

RESEND_PAUSE: Final = timedelta(minutes=1)
"""Whoever asks again earlier gets no second mail to a mailbox that may be somebody else's."""
_HOUR: Final = timedelta(hours=1)


class Addresses:
    """E-mail addresses of accounts. Methods that take a `tx` are for services that bring their own transaction."""

    def __init__(
        self,
        uow: UnitOfWork[UsersTx],
        notices: Notices,
        activity: Activity,
        clock: Clock,
        rules: AddressRules,
    ) -> None:
        self._uow = uow
        self._notices = notices
        self._activity = activity
        self._clock = clock
        self._rules = rules

    @staticmethod
    def problems_of(email: str) -> list[FieldProblem]:
        """Everything that is wrong with what was typed as an address."""
        return list(email_problems(email))

    @property
    def can_verify(self) -> bool:
        """Whether a mail could prove anything: this server sends some."""
        return self._notices.are_on

    @property
    def must_verify(self) -> bool:
        """Whether nobody signs in before their address is verified."""
        return self._rules.must_verify

    async def ask(self, tx: UsersTx, user: User) -> None:
        """Mail a link that proves that mail to the account's present address is read; links sent before are void.

        Nothing happens where this server sends no mail.
        """
        if self.can_verify:
            await self._mail_link(tx, user, Purpose.EMAIL_VERIFY, user.email)

    async def ask_change(self, tx: UsersTx, actor: Actor, user: User, email: str) -> User:
        """Note `email` as the account's pending address: a link goes there, and word of it to the present one.

        Returns the account as it is to be stored; the caller holds its lock and stores it.

        Raises:
            EmailChangeUnavailable: this server sends no mail.
            EmailChangeTooSoon: an address was asked for less than a minute ago, also if that was called off.
            EmailTaken: somebody else has that address.
        """
        if not self.can_verify:
            raise EmailChangeUnavailable
        last = await tx.one_time_tokens.of_user(user.id, Purpose.EMAIL_CHANGE)
        if last is not None and (early := last.created_at + RESEND_PAUSE - self._clock.now()) > timedelta(0):
            raise EmailChangeTooSoon(retry_after=early.total_seconds())
        if await tx.users.id_of_email(name_key(email)) is not None:
            raise EmailTaken
        await self._mail_link(tx, user, Purpose.EMAIL_CHANGE, email)
        await self._notices.send(
            tx,
            user.email,
            Notice.ADDRESS_CHANGE_ASKED,
            {
                "name": user.username,
                "new_address": email,
                "address": actor.origin.address or "an unknown address",
                "time": self._notices.time(self._clock.now(), user.timezone),
            },
        )
        await self._activity.write(
            tx,
            actor,
            Action.USER_EMAIL_CHANGE_REQUEST,
            resource=_account(user),
            changes={"pending_email": FieldChange(before=user.pending_email, after=email)},
            on_behalf_of=None if actor.user_id == user.id else user.id,
        )
        return replace(user, pending_email=email)

    async def call_off_change(self, tx: UsersTx, user: User) -> User:
        """Forget the pending address; the link that went there is void. The caller holds the lock, and stores it.

        When it was sent is kept, under a token that nobody has: asking and calling off in turn floods no mailbox.
        """
        last = await tx.one_time_tokens.of_user(user.id, Purpose.EMAIL_CHANGE)
        if last is not None:
            await tx.one_time_tokens.put(replace(last, token_hash=digest(new_token())))
        return replace(user, pending_email=None)

    async def tell_changed(self, tx: UsersTx, before: User, after: User) -> None:
        """Tell both addresses that the account's address changed."""
        values = {
            "name": after.username,
            "old_address": before.email,
            "new_address": after.email,
            "time": self._notices.time(self._clock.now(), after.timezone),
        }
        for address in (before.email, after.email):
            await self._notices.send(tx, address, Notice.ADDRESS_CHANGED, values)

    async def resend(self, actor: Actor) -> None:
        """Mail the link again: to the pending address if there is one, else to the present one.

        Within a minute of the last one nothing is sent, and nothing said of that.

        Raises:
            Unauthenticated: nobody is signed in.
            EmailVerified: there is nothing to verify.
            MailOff: this server sends no mail.
        """
        user_id = actor.require_user(writes=True)
        async with self._uow.begin() as tx:
            user = await tx.users.lock(user_id)
            if user is None:
                raise Unauthenticated
            if user.pending_email is None and user.email_verified:
                raise EmailVerified
            if not self.can_verify:
                raise MailOff
            purpose = Purpose.EMAIL_VERIFY if user.pending_email is None else Purpose.EMAIL_CHANGE
            last = await tx.one_time_tokens.of_user(user_id, purpose)
            is_early = last is not None and self._clock.now() - last.created_at < RESEND_PAUSE
            if not is_early:
                await self._mail_link(tx, user, purpose, user.pending_email or user.email)
            reason = "mailed a moment ago" if is_early else None
            action = Action.USER_EMAIL_VERIFY_REQUEST
            await self._activity.write(tx, actor, action, resource=_account(user), reason=reason)

    async def verify(self, token: Secret, origin: Origin = NOWHERE) -> User:
        """Use a link: the present address is verified, or the pending one takes its place; once (identity.md, 13, 14).

        Raises:
            TokenInvalid: the token is no good any more, or was sent to an address that is neither of the two.
            EmailTaken: somebody else has the pending address by now. The link is used up and nothing is pending any
                more: that address will not become the account's, and who still wants it asks anew.
        """
        token_hash = digest(token)
        try:
            async with self._uow.begin() as tx:
                return await self._verify(tx, token_hash, origin)
        except TokenInvalid:
            async with self._uow.begin() as tx:
                await self._refuse(tx, Actor.anonymous(origin), Action.USER_EMAIL_VERIFY, None, "token not valid")
            raise
        except EmailTaken:
            async with self._uow.begin() as tx:
                await self._give_up(tx, token_hash, origin)
            raise

    async def _verify(self, tx: UsersTx, token_hash: bytes, origin: Origin) -> User:
        used, before = await self._used(tx, token_hash)
        actor = _owner(before, origin)
        now = self._clock.now()
        after = replace(before, email_verified=True, version=before.version + 1, updated_at=now)
        if used.purpose is Purpose.EMAIL_CHANGE:
            if before.pending_email is None or not _is_same(before.pending_email, used.email):
                raise TokenInvalid
            email = before.pending_email
            after = replace(after, email=email, email_key=name_key(email), pending_email=None)
            await tx.users.update(after)
            await tx.one_time_tokens.void(after.id, Purpose.EMAIL_VERIFY, Purpose.PASSWORD_RESET)
            await self.tell_changed(tx, before, after)
            change = FieldChange(before=before.email, after=after.email)
            await self._activity.write(
                tx, actor, Action.USER_EMAIL_CHANGE, resource=_account(after), changes={"email": change}
            )
        else:
            if not _is_same(before.email, used.email):
                raise TokenInvalid
            await tx.users.update(after)
            if not before.email_verified:
                await self._notices.send(tx, after.email, Notice.WELCOME, {"name": after.username})
            await self._activity.write(tx, actor, Action.USER_EMAIL_VERIFY, resource=_account(after))
        tx.feed.publish(Change.of_user(after.id))
        return after

    async def _used(self, tx: UsersTx, token_hash: bytes) -> tuple[OneTimeToken, User]:
        """The token, which is used up, and its owner, who is locked: first, as everywhere, so that nobody deadlocks."""
        now = self._clock.now()
        for purpose in (Purpose.EMAIL_VERIFY, Purpose.EMAIL_CHANGE):
            found = await tx.one_time_tokens.find(token_hash, purpose, now)
            user = None if found is None else await tx.users.lock(found.user_id)
            if user is not None and user.is_active:
                used = await tx.one_time_tokens.consume(token_hash, purpose, now)
                if used is not None:
                    return used, user
        raise TokenInvalid

    async def _give_up(self, tx: UsersTx, token_hash: bytes, origin: Origin) -> None:
        try:
            _, user = await self._used(tx, token_hash)
        except TokenInvalid:  # somebody else was here meanwhile
            return
        now = self._clock.now()
        await tx.users.update(replace(user, pending_email=None, version=user.version + 1, updated_at=now))
        tx.feed.publish(Change.of_user(user.id))
        await self._refuse(tx, _owner(user, origin), Action.USER_EMAIL_CHANGE, user, "address taken")

    async def _mail_link(self, tx: UsersTx, user: User, purpose: Purpose, email: str) -> None:
        now, token = self._clock.now(), new_token()
        expires_at = now + self._rules.verify_lifetime
        await tx.one_time_tokens.put(
            OneTimeToken(
                token_hash=digest(token),
                purpose=purpose,
                user_id=user.id,
                email=email,
                created_at=now,
                expires_at=expires_at,
            )
        )
        is_change = purpose is Purpose.EMAIL_CHANGE
        await self._notices.send(
            tx,
            email,
            Notice.ADDRESS_CHANGE if is_change else Notice.VERIFY_ADDRESS,
            {
                "name": user.username,
                "link": self._notices.link("address" if is_change else "verify", token),
                "hours": f"{self._rules.verify_lifetime / _HOUR:g}",
            },
            good_until=expires_at,
        )

    async def _refuse(self, tx: UsersTx, actor: Actor, action: Action, user: User | None, reason: str) -> None:
        resource = None if user is None else _account(user)
        await self._activity.write(tx, actor, action, resource=resource, outcome=Outcome.FAILURE, reason=reason)


def _owner(user: User, origin: Origin) -> Actor:
    """Whoever reads the account's mail acts as its owner."""
    return Actor(kind=ActorKind.USER, user_id=user.id, origin=origin)


def _account(user: User) -> Resource:
    return Resource(type="user", id=user.id)


def _is_same(address: str, sent_to: str | None) -> bool:
    return sent_to is not None and name_key(address) == name_key(sent_to)
