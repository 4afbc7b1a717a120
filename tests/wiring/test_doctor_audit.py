"""What the doctor says about the audit log."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from revenge_adapters import open_revenge
from revenge_adapters.postgres.recycled import RecycledDatabase
from revenge_adapters.wiring.doctor import Finding, diagnose
from revenge_adapters.wiring.settings import load_settings
from revenge_core.activity.jobs import SealEntries
from revenge_core.testing.attempt import Attempt

pytestmark = pytest.mark.anyio


@pytest.fixture
async def given(revenge_postgres: RecycledDatabase, tmp_path: Path) -> dict[str, str]:
    """A database with a few entries, sealed, and the settings that name it."""
    environ = {
        "HOME": "/nowhere",
        "REVENGE_DATA_DIR": str(tmp_path),
        "REVENGE_DATABASE_URL": revenge_postgres.url,
        "REVENGE_DATABASE_OWNER_URL": revenge_postgres.owner_url,
    }
    async with open_revenge(load_settings(environ=environ).settings, worker=False) as revenge:
        await revenge.accounts.issue_bootstrap_token()
        await revenge.audit.seal(SealEntries(), Attempt())
    return environ


def tamper(database: RecycledDatabase, statement: str, **values: object) -> None:
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(statement.encode(), values)


async def examined(environ: dict[str, str]) -> Finding:
    from asyncio import to_thread

    findings = await to_thread(diagnose, environ=environ)
    (found,) = [finding for finding in findings if finding.id == "audit"]
    return found


async def test_a_log_that_is_as_it_was_written_is_well(given: dict[str, str]) -> None:
    assert (await examined(given)).status == "pass"


async def test_a_log_that_somebody_changed_is_a_failure(
    given: dict[str, str], revenge_postgres: RecycledDatabase
) -> None:
    tamper(revenge_postgres, "UPDATE revenge.activity SET reason = 'x'")
    found = await examined(given)
    assert found.status == "fail"
    assert "entry changed" in found.message


async def test_entries_that_nobody_seals_are_warned_about(
    given: dict[str, str], revenge_postgres: RecycledDatabase
) -> None:
    with psycopg.connect(revenge_postgres.url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO revenge.activity (id, created_at, actor_kind, action, outcome, changes, salt)"
            " VALUES (gen_random_uuid(), %s, 'host', 'user.create', 'success', '{}', 'x')",
            (datetime.now(UTC) - timedelta(minutes=10),),
        )
    found = await examined(given)
    assert (found.status, "1 entries wait" in found.message) == ("warn", True)


async def test_checkpoints_that_nobody_takes_are_warned_about(
    given: dict[str, str], revenge_postgres: RecycledDatabase, tmp_path: Path
) -> None:
    tamper(revenge_postgres, "UPDATE revenge.activity_checkpoints SET created_at = created_at - interval '2 hours'")
    assert (await examined(given)).status == "pass"
    found = await examined(given | {"REVENGE_AUDIT_SHIP_TO": str(tmp_path / "kept.ndjson")})
    assert (found.status, "shipped" in found.message) == ("warn", True)
