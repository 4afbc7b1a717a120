"""The doctor: what it finds, and that it changes nothing."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest

from revenge_adapters import open_revenge
from revenge_adapters.postgres.embedded import EmbeddedPostgresError, EmbeddedServer
from revenge_adapters.postgres.migrate import MigrationStatus
from revenge_adapters.postgres.migrations import shipped
from revenge_adapters.postgres.recycled import RecycledDatabase
from revenge_adapters.wiring import doctor
from revenge_adapters.wiring.doctor import CHECKS, Finding, diagnose
from revenge_adapters.wiring.schema import migrate_now
from revenge_adapters.wiring.secrets_file import master_key_file, master_secret
from revenge_adapters.wiring.settings import Settings, load_settings
from tests.wiring.conftest import servers


def examined(**environ: str) -> dict[str, Finding]:
    """Findings by check; every check that ends badly says what to do."""
    findings = diagnose(environ={"HOME": "/nowhere"} | environ)
    assert [finding.id for finding in findings if finding.status != "pass" and not finding.fix] == []
    assert {finding.id for finding in findings} <= set(CHECKS)
    return {finding.id: finding for finding in findings}


def verdicts(findings: Mapping[str, Finding]) -> dict[str, str]:
    return {id: str(finding.status) for id, finding in findings.items()}


def answering(answer: object) -> Callable[[object], object]:
    return lambda _: answer


@pytest.fixture
def given(revenge_postgres: RecycledDatabase, tmp_path: Path) -> dict[str, str]:
    return {
        "REVENGE_DATA_DIR": str(tmp_path),
        "REVENGE_DATABASE_URL": revenge_postgres.url,
        "REVENGE_DATABASE_OWNER_URL": revenge_postgres.owner_url,
    }


def test_before_the_first_start_nothing_is_wrong_and_nothing_is_made(tmp_path: Path) -> None:
    found = examined(REVENGE_DATA_DIR=str(tmp_path / "data"))
    assert set(verdicts(found).values()) == {"pass"}
    assert not (tmp_path / "data").exists()


def test_a_given_database_with_two_roles_is_well(given: dict[str, str]) -> None:
    assert set(verdicts(examined(**given)).values()) == {"pass"}


def test_one_role_for_everything_is_warned_about(given: dict[str, str]) -> None:
    given["REVENGE_DATABASE_URL"] = given["REVENGE_DATABASE_OWNER_URL"]
    found = examined(**given)
    assert found["database-roles"].status == "warn"
    assert "only a trigger" in found["database-roles"].message


def test_a_configuration_that_cannot_be_used_is_found_before_anything_else() -> None:
    found = diagnose(environ={"HOME": "/nowhere", "REVENGE_SERVER_PORT": "x", "REVENGE_LOG_LEVEL": "y"})
    assert [(finding.id, str(finding.status)) for finding in found] == [("configuration", "fail")] * 2


def test_what_is_not_a_setting_is_a_warning(tmp_path: Path) -> None:
    found = examined(REVENGE_DATA_DIR=str(tmp_path / "data"), REVENGE_SERVER_PROT="1")
    assert found["configuration"].status == "warn"


def test_a_database_that_is_away_fails_without_showing_its_password(tmp_path: Path) -> None:
    url = "postgresql://me:hunter22@127.0.0.1:1/db"
    found = examined(REVENGE_DATA_DIR=str(tmp_path), REVENGE_DATABASE_URL=url)
    assert found["database"].status == "fail"
    assert "hunter22" not in found["database"].message
    assert "migrations" not in verdicts(found) or found["migrations"].status == "fail"


def test_a_disk_that_is_nearly_full_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for free, verdict in ((doctor.FREE_TO_WARN - 1, "warn"), (doctor.FREE_TO_FAIL - 1, "fail")):
        monkeypatch.setattr("shutil.disk_usage", answering(SimpleNamespace(free=free)))
        assert examined(REVENGE_DATA_DIR=str(tmp_path / "data"))["disk"].status == verdict


def test_a_data_directory_that_this_user_may_not_write_in_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", MagicMock(return_value=False))  # to root nothing is forbidden
    found = examined(REVENGE_DATA_DIR=str(tmp_path / "data"))["disk"]
    assert found.status == "fail"
    assert str(tmp_path) in found.message


def test_a_database_that_this_user_may_not_look_at_is_told_instead_of_breaking_the_doctor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    def locked_out(*_: object, **__: object) -> None:
        raise EmbeddedPostgresError("It belongs to somebody else.", next_step="Run this as that user.")

    monkeypatch.setattr(Path, "exists", refuse)
    monkeypatch.setattr(EmbeddedServer, "open", locked_out)
    found = examined(REVENGE_DATA_DIR=str(tmp_path / "data"))
    assert found["database"].status == "fail"
    assert "somebody else" in found["database"].message


@pytest.mark.parametrize(
    ("kib", "passes", "verdict"), [("19456", "2", "pass"), ("19456", "1", "warn"), ("7168", "9", "pass")]
)
def test_cheap_password_hashes_are_warned_about(tmp_path: Path, kib: str, passes: str, verdict: str) -> None:
    found = examined(
        REVENGE_DATA_DIR=str(tmp_path / "data"), REVENGE_PASSWORDS_MEMORY_KIB=kib, REVENGE_PASSWORDS_TIME_COST=passes
    )
    assert found["passwords"].status == verdict


def test_a_secret_that_others_can_read_fails_and_stays_as_it_is(given: dict[str, str], tmp_path: Path) -> None:
    master_secret(load_settings(environ=given).settings)
    file = master_key_file(tmp_path)
    for path, mode in ((file, 0o644), (file.parent, 0o755)):
        before = path.stat().st_mode
        path.chmod(mode)
        found = examined(**given)["secrets-mode"]
        assert found.status == "fail"
        assert str(path) in (found.fix or "")
        assert path.stat().st_mode & 0o777 == mode
        path.chmod(before)


def test_a_damaged_secret_fails(given: dict[str, str], tmp_path: Path) -> None:
    master_secret(load_settings(environ=given).settings)
    master_key_file(tmp_path).write_text("short")
    assert examined(**given)["secrets"].status == "fail"


def test_pending_and_refused_migrations_are_told(given: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    standing = MigrationStatus(applied=(), pending=shipped(), refusal=None)
    monkeypatch.setattr(doctor, "status", answering(standing))
    assert examined(**given)["migrations"].status == "warn"
    newer = MigrationStatus(applied=(), pending=(), refusal="the database was migrated by a newer Revenge")
    monkeypatch.setattr(doctor, "status", answering(newer))
    assert examined(**given)["migrations"].status == "fail"


def test_a_stopped_database_of_our_own_is_looked_at_and_stopped_again(place: Path) -> None:
    environ = {"REVENGE_DATA_DIR": str(place / "data")}
    migrate_now(load_settings(environ=environ).settings)
    found = examined(**environ)
    assert found["database"].status == "pass"
    assert found["secrets-match"].status == "pass", "it was never served: the first start makes secret and keys"
    assert servers(place) == []


async def test_a_lost_secret_is_told_apart_from_one_that_was_never_made(
    given: dict[str, str], given_settings: Callable[..., Settings]
) -> None:
    settings = given_settings()
    async with open_revenge(settings):
        master_key_file(settings.data_dir).unlink()
    found = await asyncio.to_thread(examined, **given)
    assert found["secrets-match"].status == "fail"
    assert "is missing" in found["secrets-match"].message
