"""A host's own words: where they are looked for, and who hears what is wrong with them."""

from pathlib import Path

import psycopg
import pytest

from revenge_adapters import open_revenge
from revenge_adapters.postgres.recycled import RecycledDatabase
from revenge_adapters.wiring.doctor import Finding, diagnose
from revenge_adapters.wiring.mail import notice_templates
from revenge_adapters.wiring.settings import Email, Settings, load_settings
from revenge_core.mail.entities import Notice
from revenge_core.mail.policy import ALWAYS, VALUES
from revenge_core.users.entities import NewUser
from tests.core.people import PASSWORD

WELCOME = "Subject: Welcome to the film club, $name\n\nYour address is confirmed.\n"


def subject(settings: Settings) -> str:
    values = {name: f"the {name}" for name in VALUES[Notice.WELCOME] | ALWAYS}
    return notice_templates(settings).render(Notice.WELCOME, values).subject


def findings(folder: Path | None, place: Path) -> list[Finding]:
    environ = {"HOME": "/nowhere", "REVENGE_DATA_DIR": str(place / "data")}
    if folder is not None:
        environ["REVENGE_EMAIL_TEMPLATES_DIR"] = str(folder)
    return [finding for finding in diagnose(environ=environ) if finding.id == "mail-templates"]


def test_without_the_setting_the_usual_words_go_out(caplog: pytest.LogCaptureFixture) -> None:
    assert subject(Settings()) == "Welcome to the server"
    assert caplog.records == []


def test_a_folder_of_ones_own_is_used(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "welcome.txt").write_text(WELCOME)
    assert subject(Settings(email=Email(templates_dir=tmp_path))) == "Welcome to the film club, the name"
    assert caplog.records == []


def test_what_is_wrong_is_one_line_at_the_start_and_one_at_each_use(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "welcome.txt").write_text(WELCOME.replace("$name", "$nmae"))
    assert subject(Settings(email=Email(templates_dir=tmp_path))) == "Welcome to the server"
    first, second = (record.getMessage() for record in caplog.records)
    assert first == second
    assert str(tmp_path / "welcome.txt") in first


@pytest.mark.parametrize("own", [True, False], ids=["own", "usual"])
async def test_a_running_server_writes_in_the_hosts_words(
    revenge_postgres: RecycledDatabase, tmp_path: Path, own: bool
) -> None:
    folder = tmp_path / "templates"
    folder.mkdir()
    if own:
        (folder / "verify_address.txt").write_text("Subject: Is this you, $name?\n\n$link\n")
    environ = {
        "HOME": str(tmp_path),
        "REVENGE_DATA_DIR": str(tmp_path / "data"),
        "REVENGE_DATABASE_URL": revenge_postgres.url,
        "REVENGE_DATABASE_OWNER_URL": revenge_postgres.owner_url,
        "REVENGE_PASSWORDS_MEMORY_KIB": "1024",
        "REVENGE_EMAIL_ENABLED": "true",
        "REVENGE_EMAIL_PROVIDER": "null",
        "REVENGE_EMAIL_TEMPLATES_DIR": str(folder),
    }
    async with open_revenge(load_settings(environ=environ).settings, worker=False) as revenge:
        await revenge.accounts.register(NewUser(username="ada", email="ada@example.org"), PASSWORD)
    asked = "SELECT args::jsonb->'email'->>'subject' FROM revenge.jobs WHERE kind = 'send_email'"
    async with await psycopg.AsyncConnection.connect(revenge_postgres.url) as connection:
        rows = await (await connection.execute(asked)).fetchall()
    assert rows == [("Is this you, ada?" if own else "Confirm your address for Revenge",)]


def test_the_doctor_looks_at_them(tmp_path: Path) -> None:
    (found,) = findings(None, tmp_path)
    assert (found.status, found.message) == ("pass", "the usual ones")
    folder = tmp_path / "templates"
    (missing,) = findings(folder, tmp_path)
    assert missing.status == "warn"
    folder.mkdir()
    (folder / "welcome.txt").write_text(WELCOME)
    (found,) = findings(folder, tmp_path)
    assert (found.status, found.message) == ("pass", f"1 of your own, in {folder}")
    (folder / "wellcome.txt").write_text(WELCOME)
    (folder / "welcome.html").write_text("$")
    assert [(one.status, bool(one.fix)) for one in findings(folder, tmp_path)] == [("warn", True)] * 2
