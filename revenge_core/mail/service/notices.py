"""Mail that Revenge writes by itself: a template, filled in, in the transaction of what it tells of."""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

from revenge_core.background import JobsTx
from revenge_core.mail.entities import Email, MailRules, Notice
from revenge_core.mail.policy import VALUES
from revenge_core.mail.ports import NoticeTemplates
from revenge_core.mail.service.mail import Mail
from revenge_core.secrets import Secret


class Notices:
    """Notices to people."""

    def __init__(self, mail: Mail, templates: NoticeTemplates, rules: MailRules) -> None:
        self._mail = mail
        self._templates = templates
        self._rules = rules

    @property
    def are_on(self) -> bool:
        """Whether they go anywhere. Where not, nobody is asked to wait for one."""
        return self._mail.is_on

    @staticmethod
    def time(moment: datetime, timezone: str = "UTC") -> str:
        """A moment as notices say it, in the reader's time zone; the same in every language."""
        return f"{moment.astimezone(ZoneInfo(timezone)):%Y-%m-%d %H:%M %Z}"

    def link(self, page: str, token: Secret) -> Secret:
        """The address of a page under the configured public URL, never under what a request claims (decisions I9).

        The token stands behind `#`: browsers keep that to themselves, so no log and no proxy sees it (ASVS 14.2.1).
        """
        return Secret(f"{self._rules.public_url}/account/{page}#token={quote(token.reveal())}")

    async def send(
        self,
        tx: JobsTx,
        to: str,
        notice: Notice,
        values: Mapping[str, str | Secret],
        *,
        good_until: datetime | None = None,
    ) -> None:
        """Tell `to` if, and only if, `tx` commits. Nothing happens where this server sends no mail.

        `values` are those that `policy.VALUES` names for the notice; `server` and `url` are always there.

        Raises:
            MailInvalid: the address cannot be written to.
            ValueError: a value is missing, or is none of the notice.
        """
        if frozenset(values) != VALUES[notice]:
            message = f"{notice} wants {sorted(VALUES[notice])}, not {sorted(values)}"
            raise ValueError(message)
        if not self._mail.is_on:
            return
        sender = self._rules.sender
        always = {"server": sender.name or sender.address, "url": self._rules.public_url}
        letter = self._templates.render(notice, {**always, **values})
        email = Email(to=to, subject=letter.subject, text=letter.text, html=letter.html, good_until=good_until)
        await self._mail.enqueue(tx, email)
