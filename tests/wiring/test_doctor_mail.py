"""The doctor's visit to the mail server."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from revenge_adapters.wiring.doctor import Finding, diagnose
from tests.smtp_server import MailServer, self_signed


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with MailServer() as server:
        yield server


async def mail_of(place: Path, **email: str) -> Finding:
    """What the doctor says about mail, with these settings of it."""
    environ = {"HOME": "/nowhere", "REVENGE_DATA_DIR": str(place / "data"), "REVENGE_EMAIL_ENABLED": "true"}
    environ |= {"REVENGE_EMAIL_FROM_ADDRESS": "revenge@example.org", "REVENGE_EMAIL_SMTP_HOST": "127.0.0.1"}
    environ |= {f"REVENGE_EMAIL_{name}": value for name, value in email.items()}
    findings = await asyncio.to_thread(diagnose, environ=environ)
    (found,) = [finding for finding in findings if finding.id == "mail"]
    assert found.status == "pass" or found.fix
    return found


async def test_a_server_that_answers_is_well_and_gets_no_mail(server: MailServer, tmp_path: Path) -> None:
    found = await mail_of(tmp_path, SMTP_PORT=str(server.port), SMTP_USE_STARTTLS="false")
    assert found.status == "pass"
    assert "mx.example.org" in found.message
    assert server.messages == []


async def test_a_server_that_is_away_fails(tmp_path: Path) -> None:
    found = await mail_of(tmp_path, SMTP_PORT="1")
    assert found.status == "fail"
    assert "127.0.0.1:1 cannot be reached" in found.message


async def test_a_wrong_password_fails_and_is_not_shown(tmp_path: Path) -> None:
    async with MailServer(users={"films": "right"}) as server:
        found = await mail_of(
            tmp_path,
            SMTP_PORT=str(server.port),
            SMTP_USE_STARTTLS="false",
            SMTP_USERNAME="films",
            SMTP_PASSWORD="hunter22",
        )
    assert found.status == "fail"
    assert "535" in found.message
    assert "hunter22" not in found.message


async def test_a_certificate_that_nobody_vouches_for_fails(tmp_path: Path) -> None:
    certificate, _ = self_signed(tmp_path)
    async with MailServer(starttls=certificate) as server:
        found = await mail_of(tmp_path, SMTP_PORT=str(server.port))
    assert found.status == "fail"
    assert "cannot be trusted" in found.message


@pytest.mark.parametrize("protection", ["SMTP_SKIP_VERIFY", "SMTP_USE_STARTTLS"])
async def test_mail_that_others_on_the_way_can_read_is_warned_about(
    tmp_path: Path, protection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("revenge_adapters.wiring.doctor.is_this_machine", MagicMock(return_value=False))
    certificate, _ = self_signed(tmp_path)
    async with MailServer(starttls=certificate) as server:
        given = {protection: "true" if protection == "SMTP_SKIP_VERIFY" else "false"}
        found = await mail_of(tmp_path, SMTP_PORT=str(server.port), **given)
    assert found.status == "warn"


@pytest.mark.parametrize("provider", ["console", "null"])
async def test_mail_that_reaches_nobody_is_warned_about(tmp_path: Path, provider: str) -> None:
    assert (await mail_of(tmp_path, PROVIDER=provider)).status == "warn"


async def test_mail_that_is_off_is_well(tmp_path: Path) -> None:
    assert (await mail_of(tmp_path, ENABLED="false")).status == "pass"
