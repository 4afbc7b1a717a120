"""`revenge users` and its neighbours: questions, hints, links, and who the audit log says it was."""

import asyncio
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from revenge_core.accounts.entities import AccountChanges, NewAccount
from revenge_core.activity.entities import Action
from revenge_core.actor import Actor, ActorKind
from tests.cli.conftest import Rehearsal, Run
from tests.cli.served import Front, id_of, peopled
from tests.core.people import PASSWORD, entries, sign_in

HOST = Actor.host()
DELETE = ("users", "delete", "ada")


@pytest.fixture
def token(doors: Rehearsal) -> str:
    """People are there; the token is that of `root`."""
    return peopled(doors.box)


def is_deleted(doors: Rehearsal, name: str = "ada") -> bool:
    return doors.box.rows.users[id_of(doors.box, name)].deleted_at is not None


# Questions


@pytest.mark.usefixtures("terminal", "token")
def test_whoever_deletes_an_account_types_its_name(run: Run, doors: Rehearsal) -> None:
    done = run(*DELETE, typed="ada\n")
    assert done.exit_code == 0
    assert "delete the account ada <ada@example.org>" in done.stderr
    assert is_deleted(doors)


@pytest.mark.usefixtures("terminal", "token")
@pytest.mark.parametrize("typed", ["bob\n", "\n", "y\n", ""])
def test_another_name_deletes_nothing(run: Run, doors: Rehearsal, typed: str) -> None:
    done = run(*DELETE, typed=typed)
    assert (done.exit_code, done.stdout) == (1, "")
    assert not is_deleted(doors)


@pytest.mark.usefixtures("terminal", "token")
def test_nobody_is_asked_who_does_not_want_to_be(run: Run, doors: Rehearsal) -> None:
    done = run(*DELETE, "--no-input", typed="ada\n")
    assert done.exit_code == 2
    assert "--yes" in done.stderr
    assert not is_deleted(doors)


@pytest.mark.usefixtures("terminal", "token")
def test_every_session_ends_after_a_yes_only(run: Run) -> None:
    assert run("sessions", "revoke-all", "ada", typed="n\n").exit_code == 1
    done = run("sessions", "revoke-all", "ada", "--json", typed="y\n")
    assert json.loads(done.stdout) == {"username": "ada", "revoked": 2}


def test_ctrl_c_ends_a_question_at_once(tmp_path: Path) -> None:
    script = (
        "import asyncio\n"
        "from types import SimpleNamespace\n"
        "from revenge_cli.questions import type_the_name\n"
        "async def ask():\n"
        "    await asyncio.sleep(0)\n"
        "    type_the_name(SimpleNamespace(may_ask=True, say=print), 'delete it', 'ada')\n"
        "asyncio.run(ask())\n"
    )
    master, slave = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", script], stdin=slave, stdout=slave, stderr=subprocess.PIPE) as child:
        os.close(slave)
        shown = b""
        while b"ada to go on" not in shown:
            assert child.stderr is not None
            shown += child.stderr.read1()  # type: ignore[attr-defined]
        time.sleep(0.1)
        child.send_signal(signal.SIGINT)
        try:
            assert child.wait(10) != 0
        finally:
            child.kill()
    os.close(master)


# Hints


@pytest.mark.usefixtures("token")
@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("adda", "did you mean ada?"),
        ("dave@example.com", "did you mean dave@example.org?"),
        ("xyzzy", "`revenge users list`"),
        ("x" * 100_000, "`revenge users list`"),
        ("\x1b[2J", "`revenge users list`"),
    ],
)
def test_a_name_that_nobody_has_comes_with_one_that_may_be_meant(run: Run, typed: str, hint: str) -> None:
    for command in (("users", "show"), ("sessions", "list"), ("limits", "clear")):
        done = run(*command, typed)
        assert (done.exit_code, done.stdout) == (3, "")
        assert hint in done.stderr
        assert "\x1b" not in done.stderr
        assert len(done.stderr) < 500


@pytest.mark.usefixtures("token")
def test_a_list_that_is_cut_says_so_beside_the_table_only(run: Run) -> None:
    assert "There are 4" in run("users", "list", "--limit", "1").stderr
    assert "There are 2" in run("invitations", "list", "--limit", "1").stderr
    assert run("users", "list", "--limit", "1", "--json").stderr == ""


def test_lists_longer_than_a_page_are_read_to_the_end(run: Run, doors: Rehearsal) -> None:
    async def many() -> None:
        for number in range(205):
            await doors.box.revenge.administration.create(HOST, a_new_account(number))

    asyncio.run(many())
    assert len(json.loads(run("users", "list", "--limit", "500", "--json").stdout)) == 205
    assert len(json.loads(run("users", "list", "--limit", "203", "--json").stdout)) == 203
    assert len(json.loads(run("users", "list", "--json").stdout)) == 200


def a_new_account(number: int) -> NewAccount:
    return NewAccount(username=f"person-{number}", email=f"person-{number}@example.org")


# What is done


@pytest.mark.usefixtures("token")
def test_the_audit_log_says_that_it_was_the_host(run: Run, doors: Rehearsal) -> None:
    assert run("users", "disable", "ada").exit_code == 0
    entry = entries(doors.box, Action.USER_DISABLE)[-1]
    assert entry.actor_kind is ActorKind.HOST


def test_elsewhere_it_is_whose_token_it_was(run: Run, doors: Rehearsal, front: Front, token: str) -> None:
    with front.of(doors.box) as url:
        assert run("users", "disable", "ada", "--url", url, env={"REVENGE_TOKEN": token}).exit_code == 0
    entry = entries(doors.box, Action.USER_DISABLE)[-1]
    assert (entry.actor_kind, entry.actor_id) == (ActorKind.USER, id_of(doors.box, "root"))


def test_a_member_may_not_and_a_dry_run_says_that_it_is_not_sure(
    run: Run, doors: Rehearsal, front: Front, token: str
) -> None:
    async def member() -> str:
        return (await sign_in(doors.box, "dave")).tokens.access_token.reveal()

    env = {"REVENGE_TOKEN": asyncio.run(member())}
    with front.of(doors.box) as url:
        done = run("users", "list", "--url", url, "--json", env=env)
        assert (done.exit_code, done.stdout) == (5, "")
        assert json.loads(done.stderr)["error"] == "permission_denied"
        unsure = run(
            "users", "create", "--username", "eve", "--email", "e@example.org", "--dry-run", "--url", url, env=env
        )
        assert "You are no administrator there" in unsure.stderr


def test_ones_own_account_is_left_to_others(run: Run, doors: Rehearsal, front: Front, token: str) -> None:
    asyncio.run(
        doors.box.revenge.administration.change(
            HOST, id_of(doors.box, "dave"), AccountChanges(roles=frozenset({"admin"}))
        )
    )
    with front.of(doors.box) as url:
        for more in (("--yes",), ("--dry-run",)):
            done = run("users", "delete", "root", *more, "--url", url, "--json", env={"REVENGE_TOKEN": token})
            assert done.exit_code == 4
            assert json.loads(done.stderr)["error"] == "own_account"


@pytest.mark.usefixtures("terminal")
def test_a_proof_that_is_too_old_is_given_anew_by_password(
    run: Run, doors: Rehearsal, front: Front, token: str
) -> None:
    doors.box.clock.advance(minutes=11)
    with front.of(doors.box) as url:
        env = {"REVENGE_TOKEN": token}
        wrong = run(*DELETE, "--yes", "--url", url, typed="wrong\n", env=env)
        assert (wrong.exit_code, is_deleted(doors)) == (5, False)
        silent = run(*DELETE, "--yes", "--no-input", "--json", "--url", url, env=env)
        assert json.loads(silent.stderr)["error"] == "reauth_required"
        done = run(*DELETE, "--yes", "--url", url, typed=f"{PASSWORD.reveal()}\n", env=env)
        assert (done.exit_code, is_deleted(doors)) == (0, True), done.stderr
        assert PASSWORD.reveal() not in done.stdout + done.stderr


def test_a_token_that_died_of_age_says_how_to_get_another(run: Run, doors: Rehearsal, front: Front, token: str) -> None:
    doors.box.clock.advance(minutes=16)
    with front.of(doors.box) as url:
        done = run("users", "list", "--url", url, env={"REVENGE_TOKEN": token})
    assert done.exit_code == 5
    assert f"POST {url}/api/v1/auth/login" in done.stderr


# Links


@pytest.mark.usefixtures("token")
def test_a_reset_link_is_shown_once_and_is_good(run: Run, doors: Rehearsal) -> None:
    dry = run("users", "reset-link", "ada", "--dry-run")
    assert (dry.exit_code, dry.stdout) == (0, "")
    assert entries(doors.box, Action.USER_PASSWORD_RESET_REQUEST) == []
    done = run("users", "reset-link", "ada", "--json")
    assert done.exit_code == 0, done.stderr
    assert "#token=" in json.loads(done.stdout)["link"]
    (entry,) = entries(doors.box, Action.USER_PASSWORD_RESET_REQUEST)
    assert entry.actor_kind is ActorKind.HOST
    assert run("users", "reset-link", "carol").exit_code == 3
    assert run("users", "reset-link", "carol", "--dry-run").exit_code == 3


@pytest.mark.usefixtures("token")
def test_counts_of_guesses_say_whose_they_are(run: Run) -> None:
    rows = [line.split("\t") for line in run("limits", "list", "--plain").stdout.splitlines()]
    assert {(user, key.partition(":")[0]) for user, key, *_ in rows} >= {("dave", "pair"), ("", "address")}
    assert all(user for user, key, *_ in rows if not key.startswith("address:"))


def test_whoever_mistypes_how_long_an_invitation_is_good_sees_how_to_write_it(run: Run) -> None:
    done = run("invitations", "create", "--expires", "3days")
    assert done.exit_code == 2
    assert "12h, 3d" in done.stderr
