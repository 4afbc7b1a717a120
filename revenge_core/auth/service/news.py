"""What owners of accounts are told by mail when something happened to them (ASVS 6.3.7), with the same transaction."""

from collections.abc import Mapping
from contextlib import suppress

from revenge_core.actor import Origin
from revenge_core.auth.ports import AuthTx
from revenge_core.clock import Clock
from revenge_core.mail.entities import Notice
from revenge_core.mail.errors import MailInvalid
from revenge_core.mail.service import Notices
from revenge_core.sessions.entities import Opened, Session, Stolen
from revenge_core.users.entities import User


class News:
    """Mail to owners. Nothing happens where this server sends none."""

    def __init__(self, notices: Notices, clock: Clock) -> None:
        self._notices = notices
        self._clock = clock

    async def new_device(self, tx: AuthTx, user: User, opened: Opened) -> None:
        """Somebody signed in on a device that is not known."""
        device, address = _name_of(opened.session, is_proven=user.email_verified), _place(opened.session.address)
        await self._send(
            tx, user.email, Notice.NEW_DEVICE, user.username, user.timezone, {"device": device, "address": address}
        )

    async def stolen(self, tx: AuthTx, stolen: Stolen) -> None:
        """A session was ended, since its refresh token was used twice."""
        device = _name_of(stolen.session, is_proven=stolen.email_verified)
        await self._send(tx, stolen.email, Notice.SESSION_STOLEN, stolen.username, "UTC", {"device": device})

    async def password_changed(self, tx: AuthTx, user: User, origin: Origin) -> None:
        """The password is another one."""
        address = {"address": _place(origin.address)}
        await self._send(tx, user.email, Notice.PASSWORD_CHANGED, user.username, user.timezone, address)

    async def restored(self, tx: AuthTx, user: User) -> None:
        """Signing in called off the account's deletion."""
        with suppress(MailInvalid):
            await self._notices.send(tx, user.email, Notice.ACCOUNT_RESTORED, {"name": user.username})

    async def _send(
        self, tx: AuthTx, to: str, notice: Notice, name: str, timezone: str, more: Mapping[str, str]
    ) -> None:
        """An address that nobody can write to keeps nobody from signing in."""
        with suppress(MailInvalid):
            time = self._notices.time(self._clock.now(), timezone)
            await self._notices.send(tx, to, notice, {"name": name, "time": time, **more})


def _name_of(session: Session, *, is_proven: bool) -> str:
    """What the device calls itself. An address that nobody proved to be theirs gets no word that a client chose.

    Anybody can register with a stranger's address and sign in on a device with an advertisement for a name.
    """
    if not is_proven:
        return f"an unnamed {session.client_type.value}"
    return session.device_name or session.user_agent or "an unnamed device"


def _place(address: str | None) -> str:
    return address or "an unknown address"
