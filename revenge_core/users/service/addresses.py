"""Use cases of e-mail addresses: prove that mail is read, and change where it goes (decisions I9)."""

from revenge_core.activity.service import Activity
from revenge_core.actor import NOWHERE, Actor, Origin
from revenge_core.clock import Clock
from revenge_core.mail.service import Notices
from revenge_core.secrets import Secret
from revenge_core.uow import UnitOfWork
from revenge_core.users.entities import AddressRules, User
from revenge_core.users.ports import UsersTx


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

    @property
    def can_verify(self) -> bool:
        """Whether a mail could prove anything: this server sends some."""
        return self._notices.are_on

    @property
    def must_verify(self) -> bool:
        """Whether nobody signs in before their address is verified."""
        return self._rules.must_verify

    async def ask(self, tx: UsersTx, user: User) -> None:
        """Mail a link that proves that mail to the account's present address is read; links sent before are void."""
        raise NotImplementedError

    async def ask_change(self, tx: UsersTx, actor: Actor, user: User, email: str) -> User:
        """Note `email` as the account's pending address: a link goes there, and word of it to the present one.

        Returns the account as it is to be stored; the caller holds its lock and stores it.

        Raises:
            EmailChangeUnavailable: this server sends no mail.
            EmailTaken: somebody else has that address.
        """
        raise NotImplementedError

    async def tell_changed(self, tx: UsersTx, before: User, after: User) -> None:
        """Tell both addresses that the account's address changed."""
        raise NotImplementedError

    async def resend(self, actor: Actor) -> None:
        """Mail the link again: to the pending address if there is one, else to the present one.

        Raises:
            Unauthenticated: nobody is signed in.
            EmailVerified: there is nothing to verify.
            MailOff: this server sends no mail.
        """
        raise NotImplementedError

    async def verify(self, token: Secret, origin: Origin = NOWHERE) -> User:
        """Use a link: the present address is verified, or the pending one takes its place; once (identity.md, 13, 14).

        Raises:
            TokenInvalid: the token is no good any more, or was sent to an address that is neither of the two.
            EmailTaken: somebody else has the pending address by now.
        """
        raise NotImplementedError
