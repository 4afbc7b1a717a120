"""The doctor's look at access: index and Enforcer over the same policies."""

from pathlib import Path

import psycopg
import pytest

from revenge_adapters.access_casbin import Compared, Reference
from revenge_adapters.postgres.recycled import RecycledDatabase
from revenge_adapters.wiring import doctor, doctor_access
from revenge_adapters.wiring.doctor_access import compare_access
from revenge_core.permissions import Permission

FILL = """
    INSERT INTO revenge.users (id, username, username_key, email, email_key, locale, timezone, qar_enabled, is_active,
                               email_verified, epoch, created_at, updated_at, version, may_return)
    SELECT gen_random_uuid(), 'u' || n, 'u' || n, n || '@example.org', n || '@example.org', 'en', 'UTC', false, true,
           true, 0, now(), now(), 0, false
      FROM generate_series(1, 6) AS n;
    INSERT INTO revenge.user_roles (user_id, role, source, granted_at)
    SELECT id, CASE WHEN username < 'u4' THEN 'user' ELSE 'guest' END, 'manual', now() FROM revenge.users;
    INSERT INTO revenge.groups (id, name, name_key, description, version, created_at, updated_at)
    VALUES (gen_random_uuid(), 'Films', 'films', '', 0, now(), now());
    INSERT INTO revenge.group_roles SELECT id, 'moderator' FROM revenge.groups;
    INSERT INTO revenge.group_members (group_id, user_id, source, added_at)
    SELECT groups.id, users.id, 'manual', now() FROM revenge.groups, revenge.users WHERE username = 'u1';
"""


def fill(database: RecycledDatabase, statements: str) -> None:
    with psycopg.connect(database.owner_url) as connection:
        connection.execute(statements.encode())


async def test_index_and_enforcer_agree_on_every_role_and_each_set_of_roles(revenge_postgres: RecycledDatabase) -> None:
    fill(revenge_postgres, FILL)
    # Four roles; and three users who hold something different: user, guest, user with moderator by the group.
    assert await compare_access(revenge_postgres.url) == Compared(subjects=7, of=7, difference=None)


async def test_a_database_without_users_is_compared_too(revenge_postgres: RecycledDatabase) -> None:
    assert await compare_access(revenge_postgres.url) == Compared(subjects=4, of=4, difference=None)


async def test_it_stops_when_its_time_is_up_and_says_how_far_it_came(revenge_postgres: RecycledDatabase) -> None:
    assert await compare_access(revenge_postgres.url, budget=0.0) == Compared(subjects=0, of=4, difference=None)


async def test_the_first_difference_is_named(
    revenge_postgres: RecycledDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = Reference.allows

    def broken(self: Reference, subject: str, permission: Permission) -> bool:
        return really(self, subject, permission) and (subject, permission) != ("role:user", Permission.MOVIES_GET)

    monkeypatch.setattr(Reference, "allows", broken)
    compared = await compare_access(revenge_postgres.url)
    assert compared.difference == "the index allows role:user movies:get, the Enforcer refuses it"
    assert compared.subjects == 3


def test_doctor_tells_of_a_difference_and_of_a_cycle(
    revenge_postgres: RecycledDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {
        "HOME": "/nowhere",
        "REVENGE_DATA_DIR": str(tmp_path),
        "REVENGE_DATABASE_URL": revenge_postgres.url,
        "REVENGE_DATABASE_OWNER_URL": revenge_postgres.owner_url,
    }

    def finding() -> doctor.Finding:
        return next(one for one in doctor.diagnose(environ=environ) if one.id == "access")

    assert (finding().status, finding().message) == ("pass", "index and Enforcer agree on 4 of 4 roles and users")
    fill(revenge_postgres, "INSERT INTO revenge.role_parents VALUES ('user', 'guest'), ('guest', 'user')")
    assert finding().status == "fail"
    assert "cannot inherit from itself" in finding().message

    async def differs(_: str) -> Compared:
        return Compared(subjects=1, of=4, difference="the index allows role:user movies:get, the Enforcer refuses it")

    monkeypatch.setattr(doctor_access, "compare_access", differs)
    assert (finding().status, "refuses it" in finding().message) == ("fail", True)
