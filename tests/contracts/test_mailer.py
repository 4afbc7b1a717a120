from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from revenge_adapters.mail_smtp import Security, SmtpMailer, SmtpServer
from revenge_adapters.memory.mail import MemoryMailer
from revenge_core.testing.contracts.mailer import MailerContract, Outbox
from tests.smtp_server import MailServer


class TestMemoryMailer(MailerContract):
    @pytest.fixture
    def outbox(self) -> Outbox:
        mailer = MemoryMailer()

        def set_away(away: bool) -> None:
            mailer.is_away = away

        return Outbox(mailer=mailer, received=lambda: mailer.sent, refuse=mailer.refused.add, set_away=set_away)


class TestSmtpMailer(MailerContract):
    @pytest.fixture
    async def outbox(self) -> AsyncIterator[Outbox]:
        async with MailServer() as server:
            place = SmtpServer(
                host="127.0.0.1", port=server.port, security=Security.NONE, timeout=timedelta(seconds=30)
            )

            def set_away(away: bool) -> None:
                server.is_away = away

            yield Outbox(
                mailer=SmtpMailer(place),
                received=lambda: server.messages,
                refuse=server.unknown.add,
                set_away=set_away,
            )
