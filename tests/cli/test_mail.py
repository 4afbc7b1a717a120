"""`revenge mail`."""

import json

from revenge_adapters import sandbox
from revenge_core.activity.entities import Action
from revenge_core.actor import ActorKind
from revenge_core.mail import MailRules
from tests.cli.conftest import Rehearsal, Run
from tests.core.people import entries


def test_whoever_sets_up_mail_sees_what_the_server_says(run: Run, doors: Rehearsal) -> None:
    result = run("mail", "test", "--to", "ada@example.org", "--json")
    (message,) = doors.box.mail.sent
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "to": "ada@example.org",
        "message_id": message.id,
        "answer": "250 kept as number 1",
    }
    (entry,) = entries(doors.box, Action.MAIL_TEST)
    assert entry.actor_kind is ActorKind.HOST


def test_an_address_that_nobody_has_exits_as_a_conflict_with_the_servers_words(run: Run, doors: Rehearsal) -> None:
    doors.box.mail.refused.add("ada@example.org")
    result = run("mail", "test", "--to", "ada@example.org")
    assert result.exit_code == 4
    assert "550" in result.stderr
    assert result.stdout == ""


def test_a_mail_server_that_is_away_exits_as_a_dependency_that_is_down(run: Run, doors: Rehearsal) -> None:
    doors.box.mail.is_away = True
    assert run("mail", "test", "--to", "ada@example.org").exit_code == 69


def test_what_is_no_address_is_a_usage_error(run: Run) -> None:
    result = run("mail", "test", "--to", "ada", "--json")
    assert result.exit_code == 2
    assert json.loads(result.stderr)["errors"][0]["pointer"] == "/to"


def test_a_server_without_mail_says_which_settings_are_missing(run: Run, doors: Rehearsal) -> None:
    doors.box = sandbox(mail_rules=MailRules(is_on=False))
    result = run("mail", "test", "--to", "ada@example.org")
    assert result.exit_code == 4
    assert "email.enabled" in result.stderr
