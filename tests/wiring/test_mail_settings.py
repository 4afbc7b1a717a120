"""What settings make of mail."""

from datetime import timedelta
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from revenge_adapters.mail_console import ConsoleMailer
from revenge_adapters.mail_null import NullMailer
from revenge_adapters.mail_smtp import Security, SmtpMailer, SmtpServer
from revenge_adapters.wiring.mail import mailer, smtp_server
from revenge_adapters.wiring.rules import mail_rules
from revenge_adapters.wiring.settings import SettingsInvalid, load_settings
from revenge_adapters.wiring.settings.schema import shown
from revenge_core.mail.entities import Mailbox, MailRules
from revenge_core.mail.ports import Mailer
from revenge_core.secrets import Secret

HOME = {"HOME": "/nowhere"}
MAIL = {
    "REVENGE_EMAIL_ENABLED": "true",
    "REVENGE_EMAIL_FROM_ADDRESS": "revenge@films.example.org",
    "REVENGE_EMAIL_SMTP_HOST": "smtp.example.org",
}


def problems_of(**environ: str) -> dict[str, str]:
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(environ=HOME | environ)
    return {problem.key: problem.detail for problem in caught.value.found}


def test_names_of_the_original_set_up_mail() -> None:
    environ = MAIL | {
        "REVENGE_EMAIL_PROVIDER": "smtp",
        "REVENGE_EMAIL_FROM_NAME": "Films",
        "REVENGE_EMAIL_BASE_URL": "https://films.example.org",
        "REVENGE_EMAIL_SMTP_PORT": "2525",
        "REVENGE_EMAIL_SMTP_USERNAME": "films",
        "REVENGE_EMAIL_SMTP_PASSWORD": "open sesame",
        "REVENGE_EMAIL_SMTP_USE_TLS": "false",
        "REVENGE_EMAIL_SMTP_USE_STARTTLS": "true",
        "REVENGE_EMAIL_SMTP_SKIP_VERIFY": "true",
        "REVENGE_EMAIL_SMTP_TIMEOUT": "10s",
    }
    loaded = load_settings(environ=HOME | environ)
    assert loaded.warnings == ()
    assert mail_rules(loaded.settings) == MailRules(
        sender=Mailbox(address="revenge@films.example.org", name="Films"),
        public_url="https://films.example.org",
        is_on=True,
    )
    assert smtp_server(loaded.settings.email.smtp) == SmtpServer(
        host="smtp.example.org",
        port=2525,
        security=Security.STARTTLS,
        username="films",
        password=Secret("open sesame"),
        verify=False,
        timeout=timedelta(seconds=10),
    )
    assert loaded.settings.server.public_url == "https://films.example.org"


def test_a_section_within_a_section_is_one_in_the_file_too(tmp_path: Path) -> None:
    file = tmp_path / "revenge.toml"
    file.write_text('[email]\nfrom_name = "Films"\n[email.smtp]\nhost = "smtp.example.org"\nprot = 25\n')
    loaded = load_settings(environ=HOME, config_file=file)
    assert loaded.settings.email.smtp.host == "smtp.example.org"
    assert loaded.settings.email.from_name == "Films"
    assert loaded.origins["email.smtp.host"] == f"file {file}"
    assert loaded.warnings == (f"{file}: email.smtp.prot is not a setting; did you mean email.smtp.port?",)


def test_the_password_of_the_mail_server_may_come_from_a_file_and_is_shown_nowhere(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("open sesame\n")
    environ = MAIL | {"REVENGE_EMAIL_SMTP_USERNAME": "films", "REVENGE_EMAIL_SMTP_PASSWORD_FILE": str(file)}
    settings = load_settings(environ=HOME | environ).settings
    assert settings.email.smtp.password == Secret("open sesame")
    assert "open sesame" not in repr(settings) + repr(shown(settings))


@pytest.mark.parametrize(
    ("given", "security", "port"),
    [
        ({}, Security.STARTTLS, 587),
        ({"REVENGE_EMAIL_SMTP_USE_TLS": "true"}, Security.TLS, 465),
        ({"REVENGE_EMAIL_SMTP_USE_STARTTLS": "false"}, Security.NONE, 25),
    ],
)
def test_the_port_is_the_usual_one_of_what_protects_the_line(
    given: dict[str, str], security: Security, port: int
) -> None:
    server = smtp_server(load_settings(environ=HOME | MAIL | given).settings.email.smtp)
    assert (server.security, server.port) == (security, port)


def test_mail_that_is_off_needs_nothing_and_goes_nowhere() -> None:
    settings = load_settings(environ=HOME | {"REVENGE_EMAIL_SMTP_USERNAME": "films"}).settings
    assert isinstance(mailer(settings), NullMailer)
    assert not mail_rules(settings).is_on


@pytest.mark.parametrize(("provider", "kind"), [("smtp", SmtpMailer), ("console", ConsoleMailer), ("null", NullMailer)])
def test_mail_that_is_on_goes_where_the_provider_says(provider: str, kind: type[Mailer]) -> None:
    settings = load_settings(environ=HOME | MAIL | {"REVENGE_EMAIL_PROVIDER": provider}).settings
    assert type(mailer(settings)) is kind


def test_everything_that_mail_lacks_is_named_at_once() -> None:
    assert set(problems_of(REVENGE_EMAIL_ENABLED="true", REVENGE_EMAIL_SMTP_USERNAME="films")) == {
        "email.from_address",
        "email.smtp.host",
        "email.smtp.password",
    }


@pytest.mark.parametrize(
    ("variable", "value", "key"),
    [
        ("FROM_ADDRESS", "Films <films@example.org>", "email.from_address"),
        ("FROM_ADDRESS", "films", "email.from_address"),
        ("FROM_NAME", "Films\nBcc: eve@example.org", "email.from_name"),
        ("FROM_NAME", "x" * 101, "email.from_name"),
        ("PROVIDER", "sendgrid", "email.provider"),
        ("SMTP_HOST", "smtp.example.org:587", "email.smtp.host"),
        ("SMTP_HOST", "smtp://smtp.example.org", "email.smtp.host"),
        ("SMTP_HOST", "smtp.example.org\r\n", "email.smtp.host"),
        ("SMTP_HOST", "2001:db8::25", None),
        ("SMTP_PORT", "65536", "email.smtp.port"),
        ("SMTP_TIMEOUT", "10ms", "email.smtp.timeout"),
        ("SMTP_PASSWORD", "open sesame", "email.smtp.username"),
    ],
)
def test_what_mail_cannot_use_is_refused(variable: str, value: str, key: str | None) -> None:
    given = MAIL | {f"REVENGE_EMAIL_{variable}": value}
    if key is None:
        load_settings(environ=HOME | given)
    else:
        problems = problems_of(**given)
        assert list(problems) == [key]
        assert "sesame" not in problems[key]


@pytest.mark.parametrize(("host", "good"), [("smtp.example.org", False), ("localhost", True), ("127.0.0.1", True)])
def test_a_password_is_not_sent_readable_over_a_network(host: str, good: bool) -> None:
    given = MAIL | {
        "REVENGE_EMAIL_SMTP_HOST": host,
        "REVENGE_EMAIL_SMTP_USERNAME": "films",
        "REVENGE_EMAIL_SMTP_PASSWORD": "open sesame",
        "REVENGE_EMAIL_SMTP_USE_STARTTLS": "false",
    }
    if good:
        load_settings(environ=HOME | given)
    else:
        assert list(problems_of(**given)) == ["email.smtp.use_starttls"]


def test_smtp_without_its_package_is_named_before_a_message_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("revenge_adapters.wiring.settings.rules.find_spec", MagicMock(return_value=None))
    assert list(problems_of(**MAIL)) == ["email.provider"]
