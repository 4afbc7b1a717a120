"""Use cases of forgotten passwords (decisions I9)."""

from revenge_core.activity.service import Activity
from revenge_core.actor import NOWHERE, Actor, Origin
from revenge_core.auth.entities import AuthRules, PasswordReset
from revenge_core.auth.jobs import SendReset
from revenge_core.auth.ports import AccountReader, AuthTx
from revenge_core.auth.service.passwords import Passwords
from revenge_core.background import JobContext
from revenge_core.clock import Clock
from revenge_core.ids import UserId
from revenge_core.mail.service import Notices
from revenge_core.secrets import Secret
from revenge_core.sessions.service import Sessions
from revenge_core.uow import UnitOfWork
from revenge_core.users.entities import User


class Recovery:
    """Passwords that nobody remembers."""

    def __init__(  # one argument per port and service that it uses
        self,
        uow: UnitOfWork[AuthTx],
        accounts: AccountReader,
        passwords: Passwords,
        notices: Notices,
        activity: Activity,
        sessions: Sessions,
        clock: Clock,
        rules: AuthRules,
    ) -> None:
        self._uow = uow
        self._accounts = accounts
        self._passwords = passwords
        self._notices = notices
        self._activity = activity
        self._sessions = sessions
        self._clock = clock
        self._rules = rules

    async def forgot(self, email: str, origin: Origin = NOWHERE) -> None:
        """Mail a link to set a new password, if an account has this address.

        What happens here is the same for every address, and takes the same time: a job looks who it is (ASVS 6.3.8).

        Raises:
            UserInvalid: it is no address.
        """
        raise NotImplementedError

    async def send(self, job: SendReset, ctx: JobContext) -> None:
        """Look whose address it is, and mail the link. Accounts that are disabled or gone get none."""
        raise NotImplementedError

    async def send_to(self, tx: AuthTx, user: User) -> None:
        """Mail the link in the caller's transaction; links sent before are void."""
        raise NotImplementedError

    async def link_for(self, tx: AuthTx, user: User) -> PasswordReset:
        """The same as a link to hand over, where no mail is sent."""
        raise NotImplementedError

    async def reset_link(self, actor: Actor, user_id: UserId) -> PasswordReset:
        """A link for somebody who cannot get mail, from the server's own shell (rulings R37); it is audited.

        Raises:
            Unauthenticated: the actor is not the host or Revenge itself.
            UserNotFound: there is no such living account.
        """
        raise NotImplementedError

    async def reset(self, token: Secret, new: Secret, origin: Origin = NOWHERE) -> None:
        """Set a new password with a link: every session and refresh token ends, every device is unknown again.

        The address that got the link counts as verified, factors stay (ASVS 6.4.3), the owner is told.

        Raises:
            TokenInvalid: the token is no good any more.
            PasswordRefused: `new` breaks a rule; the token stays good.
            HasherBusy: too many sign-ins at this moment; the token stays good.
        """
        raise NotImplementedError
