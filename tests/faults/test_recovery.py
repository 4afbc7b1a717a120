"""SIGKILL at the commit of a new password: all of it is there or nothing, and the mail with it."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from revenge_adapters import open_revenge
from revenge_adapters.postgres.recycled import RecycledDatabase
from revenge_adapters.wiring.settings import load_settings
from revenge_core.actor import Actor
from revenge_core.auth.errors import CredentialsInvalid
from revenge_core.revenge import Revenge
from revenge_core.secrets import Secret
from revenge_core.users.entities import NewUser
from revenge_core.users.errors import TokenInvalid

OLD, NEW, NEWER = (Secret(f"a {kind} evening") for kind in ("quiet", "louder", "stormy"))

RESETTER = """
import asyncio, os, signal, sys
from revenge_adapters import open_revenge
from revenge_adapters.postgres import db
from revenge_core.secrets import Secret

token, password, moment = sys.argv[1:]
real = db._send


async def killing(connection, deadline, *statements):
    if statements[-1][0] is not db.COMMIT or connection.info.backend_pid not in resetting:
        return await real(connection, deadline, *statements)
    if moment == "after":
        await real(connection, deadline, *statements)
    elif moment == "during":
        sending = asyncio.create_task(real(connection, deadline, *statements))
        for _ in range(3):  # it is told, and nobody heard the answer
            await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGKILL)


resetting = set()


async def main():
    async with open_revenge(worker=False) as revenge:
        recovery = revenge.recovery
        reset = recovery._reset

        async def noted(tx, *arguments):
            resetting.add(tx._transaction._connection.info.backend_pid)
            await reset(tx, *arguments)

        recovery._reset = noted
        db._send = killing
        await recovery.reset(Secret(token), Secret(password))


asyncio.run(main())
"""
"""A process that sets a new password and is killed just before, while or just after the database hears COMMIT."""


async def is_password(revenge: Revenge, password: Secret) -> bool:
    try:
        await revenge.auth.login("ada", password)
    except CredentialsInvalid:
        return False
    return True


def count(url: str, statement: str) -> Any:  # noqa: ANN401 -- whatever the statement selects
    with psycopg.connect(url) as connection:
        row = connection.execute(statement.encode()).fetchone()
        return row and row[0]


@pytest.mark.parametrize("moment", ["before", "during", "after"])
async def test_a_server_killed_at_the_commit_of_a_new_password_leaves_the_old_state_or_the_new_one(
    revenge_postgres_fresh: RecycledDatabase, tmp_path: Path, moment: str
) -> None:
    database = revenge_postgres_fresh
    environ = {
        "HOME": str(tmp_path),
        "REVENGE_DATA_DIR": str(tmp_path / "data"),
        "REVENGE_DATABASE_URL": database.url,
        "REVENGE_DATABASE_OWNER_URL": database.owner_url,
        "REVENGE_PASSWORDS_MEMORY_KIB": "1024",
        "REVENGE_EMAIL_ENABLED": "true",
        "REVENGE_EMAIL_PROVIDER": "null",
    }
    settings = load_settings(environ=environ).settings
    async with open_revenge(settings, worker=False) as revenge:
        made = await revenge.accounts.register(NewUser(username="ada", email="ada@example.org"), OLD)
        await revenge.auth.login("ada", OLD)
        link = (await revenge.recovery.reset_link(Actor.host(), made.user.id)).link
        token = Secret(link.reveal().partition("#token=")[2])

    inherited = {name: value for name, value in os.environ.items() if not name.startswith("REVENGE_")}
    arguments = ("-c", RESETTER, token.reveal(), NEW.reveal(), moment)
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, env=inherited | environ)
    assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL

    async with open_revenge(settings, worker=False) as revenge:
        for _ in range(50):  # the database may still be at what it was told last
            busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'"
            if count(database.superuser_url, busy) <= 1:
                break
            await asyncio.sleep(0.1)
        is_new = count(database.superuser_url, "SELECT epoch FROM revenge.users") == 1
        if moment != "during":
            assert is_new == (moment == "after")
        told = (
            "SELECT count(*) FROM revenge.jobs WHERE kind = 'send_email'"
            " AND args::jsonb->'email'->>'subject' = 'Your password on Revenge was changed'"
        )
        audited = "SELECT count(*) FROM revenge.activity WHERE action = 'user.password_reset' AND outcome = 'success'"
        ended = "SELECT count(*) FROM revenge.sessions WHERE ended_at IS NOT NULL"
        links = "SELECT count(*) FROM revenge.one_time_tokens WHERE purpose = 'password_reset'"
        assert [count(database.superuser_url, one) for one in (told, audited, ended)] == [int(is_new)] * 3
        assert count(database.superuser_url, links) == int(not is_new)
        assert await is_password(revenge, NEW) == is_new
        assert await is_password(revenge, OLD) != is_new
        if is_new:
            with pytest.raises(TokenInvalid):
                await revenge.recovery.reset(token, NEWER)
        else:
            await revenge.recovery.reset(token, NEWER)
            assert await is_password(revenge, NEWER)
