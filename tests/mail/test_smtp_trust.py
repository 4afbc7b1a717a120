"""Whom the mailer trusts, and whom it tells its password."""

import logging
import ssl
import traceback
from pathlib import Path

import pytest

from revenge_adapters.mail_smtp import Security, SmtpMailer, SmtpServer, is_this_machine
from revenge_core.mail.errors import MailUnavailable
from revenge_core.secrets import Secret
from revenge_core.testing.builders import a_message
from tests.smtp_server import MailServer, self_signed

PASSWORD = "open sesame 27182818"


def place(port: int, security: Security = Security.NONE, **changes: object) -> SmtpServer:
    return SmtpServer(**{"host": "127.0.0.1", "port": port, "security": security} | changes)  # type: ignore[arg-type]  # fields by name


def server_of(security: Security, certificate: ssl.SSLContext, **more: dict[str, str] | None) -> MailServer:
    if security is Security.TLS:
        return MailServer(tls=certificate, users=more.get("users"))
    return MailServer(starttls=certificate, users=more.get("users"))


protected = pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])


@protected
async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path, security: Security) -> None:
    certificate, _ = self_signed(tmp_path)
    async with server_of(security, certificate) as server:
        with pytest.raises(MailUnavailable, match=r"certificate of 127\.0\.0\.1:\d+ cannot be trusted: self"):
            await SmtpMailer(place(server.port, security)).send(a_message())
        assert server.messages == []


@protected
async def test_a_certificate_of_an_authority_that_the_machine_knows_is_good(
    tmp_path: Path, security: Security, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, authority = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    async with server_of(security, certificate) as server:
        await SmtpMailer(place(server.port, security)).send(a_message())
        assert len(server.messages) == 1


@protected
async def test_a_certificate_of_another_host_is_refused(
    tmp_path: Path, security: Security, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, authority = self_signed(tmp_path, "127.0.0.2")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    async with server_of(security, certificate) as server:
        with pytest.raises(MailUnavailable, match="IP address mismatch"):
            await SmtpMailer(place(server.port, security)).send(a_message())


@protected
async def test_whoever_wants_to_believe_any_certificate_may(tmp_path: Path, security: Security) -> None:
    certificate, _ = self_signed(tmp_path)
    async with server_of(security, certificate) as server:
        await SmtpMailer(place(server.port, security, verify=False)).send(a_message())
        assert len(server.messages) == 1


async def test_a_server_that_hides_starttls_gets_neither_password_nor_mail() -> None:
    async with MailServer(users={"films": PASSWORD}) as server:
        there = place(server.port, Security.STARTTLS, username="films", password=Secret(PASSWORD), verify=False)
        with pytest.raises(MailUnavailable, match="does not offer STARTTLS"):
            await SmtpMailer(there).send(a_message())
        assert server.logins == []


async def test_a_server_that_does_not_talk_tls_where_it_should_is_told_so() -> None:
    async with MailServer() as server:
        with pytest.raises(MailUnavailable, match=r"email\.smtp\.use_tls"):
            await SmtpMailer(place(server.port, Security.TLS, verify=False)).send(a_message())


@pytest.mark.parametrize("security", Security)
async def test_who_logs_in_is_let_in(tmp_path: Path, security: Security) -> None:
    certificate, _ = self_signed(tmp_path)
    users = {"films": "pässword with ünicode"}
    async with (
        MailServer(users=users) if security is Security.NONE else server_of(security, certificate, users=users)
    ) as server:
        there = place(server.port, security, username="films", password=Secret(users["films"]), verify=False)
        await SmtpMailer(there).send(a_message())
        assert len(server.messages) == 1


async def test_a_wrong_password_is_an_administrators_to_mend_and_seen_by_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with MailServer(users={"films": "another"}) as server:
        there = place(server.port, username="films", password=Secret(PASSWORD))
        with pytest.raises(
            MailUnavailable, match=r"does not let this server in: 535.*email\.smtp\.password"
        ) as problem:
            await SmtpMailer(there).send(a_message())
    ours = "".join(record.getMessage() for record in caplog.records if not record.name.startswith("mail."))
    told = repr(there) + "".join(traceback.format_exception(problem.value)) + ours
    assert PASSWORD not in told


async def test_a_server_that_lets_nobody_log_in_is_told_from_a_wrong_password() -> None:
    async with MailServer() as server:
        there = place(server.port, username="films", password=Secret(PASSWORD))
        with pytest.raises(MailUnavailable, match="AUTH extension is not supported"):
            await SmtpMailer(there).send(a_message())


async def test_a_server_that_wants_a_login_and_gets_none_is_no_reason_to_drop_messages() -> None:
    async with MailServer(users={"films": PASSWORD}) as server:
        with pytest.raises(MailUnavailable, match="530"):
            await SmtpMailer(place(server.port)).send(a_message())


def test_no_password_travels_readable_over_a_network() -> None:
    there = SmtpServer(
        host="smtp.example.org", port=25, security=Security.NONE, username="films", password=Secret(PASSWORD)
    )
    with pytest.raises(ValueError, match="needs TLS"):
        SmtpMailer(there)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost.example.org", False),
        ("192.0.2.1", False),
        ("0.0.0.0", False),  # noqa: S104 -- not listened to
    ],
)
def test_this_machine_is_where_nothing_leaves_it(host: str, expected: bool) -> None:
    assert is_this_machine(host) is expected


@pytest.mark.parametrize("security", Security)
async def test_the_doctors_visit_sends_nothing(tmp_path: Path, security: Security) -> None:
    certificate, _ = self_signed(tmp_path)
    async with MailServer() if security is Security.NONE else server_of(security, certificate) as server:
        assert "mx.example.org" in await SmtpMailer(place(server.port, security, verify=False)).greet()
        assert server.messages == []
