"""Mail that Revenge writes by itself."""

from datetime import UTC, datetime

import pytest

from revenge_adapters import Sandbox, sandbox
from revenge_adapters.mail_templates import FileTemplates
from revenge_core.mail.entities import Mailbox, MailRules, Notice
from revenge_core.mail.errors import MailInvalid
from revenge_core.mail.policy import VALUES
from revenge_core.mail.service import Notices
from revenge_core.secrets import Secret
from revenge_core.testing.builders import NOW

RULES = MailRules(sender=Mailbox(address="films@example.org", name=""), public_url="https://films.example.org/tv")
ADA = "ada@example.org"


def notices_of(box: Sandbox, rules: MailRules = RULES) -> Notices:
    return Notices(box.revenge.mail, FileTemplates(), rules)


async def tell(box: Sandbox, values: dict[str, str], to: str = ADA, *, fails: bool = False) -> None:
    async with box.revenge.recovery._uow.begin() as tx:
        await notices_of(box).send(tx, to, Notice.WELCOME, values)
        if fails:
            raise LookupError


async def test_a_notice_goes_out_with_the_transaction_and_names_the_server(box: Sandbox) -> None:
    await tell(box, {"name": "ada"})
    with pytest.raises(LookupError):
        await tell(box, {"name": "eve"}, fails=True)
    await box.jobs.run()
    (message,) = box.mail.to(ADA)
    assert message.email.subject == "Welcome to films@example.org", "the sender has no name"
    assert "https://films.example.org/tv" in message.email.text.reveal()


@pytest.mark.parametrize("values", [{}, {"name": "ada", "link": "x"}, {"nmae": "ada"}])
@pytest.mark.parametrize("is_on", [True, False])
async def test_whoever_gives_other_values_than_the_notice_has_hears_it_at_once(
    values: dict[str, str], is_on: bool
) -> None:
    with pytest.raises(ValueError, match="wants"):
        await tell(sandbox(mail_rules=MailRules(is_on=is_on)), values)


async def test_where_no_mail_is_sent_nothing_waits() -> None:
    box = sandbox(mail_rules=MailRules(is_on=False))
    await tell(box, {"name": "ada"})
    assert box.rows.jobs == {}
    assert not notices_of(box).are_on


async def test_an_address_that_cannot_be_written_to_is_refused(box: Sandbox) -> None:
    with pytest.raises(MailInvalid):
        await tell(box, {"name": "ada"}, "nobody")


@pytest.mark.asvs("14.2.1")
def test_a_token_stands_where_no_server_sees_it_and_is_no_more_than_a_token(box: Sandbox) -> None:
    link = notices_of(box).link("reset", Secret("a&b=c d#e"))
    assert link.reveal() == "https://films.example.org/tv/account/reset#token=a%26b%3Dc%20d%23e"
    assert "token" not in repr(link)


def test_times_are_those_of_the_reader() -> None:
    assert Notices.time(NOW) == "2026-03-14 15:09 UTC"
    assert Notices.time(NOW, "Europe/Zurich") == "2026-03-14 16:09 CET"
    assert Notices.time(datetime(2026, 7, 1, 12, tzinfo=UTC), "Europe/Zurich") == "2026-07-01 14:00 CEST"


def test_every_notice_has_values() -> None:
    assert VALUES.keys() == set(Notice)
