"""What each command answers, where, and with which exit code."""

import json
from pathlib import Path

import msgspec
import pytest

from revenge_adapters.wiring.doctor import Finding, Verdict
from revenge_adapters.wiring.schema import SchemaStatus
from revenge_core.activity.entities import Action
from revenge_core.actor import ActorKind
from revenge_core.rbac.entities import GrantSource
from tests.cli.conftest import Rehearsal, Run

GOOD = ("admin", "create", "--username", "ada", "--email", "ada@example.org", "--password-stdin")
PASSWORD = "a quiet evening\n"


# admin create


def test_an_admin_is_made_and_shown_without_the_password(run: Run, doors: Rehearsal) -> None:
    done = run(*GOOD, "--json", typed=PASSWORD)
    assert done.exit_code == 0
    (user,) = doors.box.rows.users.values()
    assert json.loads(done.stdout) == {
        "id": str(user.id),
        "username": "ada",
        "email": "ada@example.org",
        "created_at": user.created_at.isoformat(),
    }
    assert set(doors.box.rows.grants) == {(user.id, "admin", GrantSource.MANUAL)}
    (entry,) = doors.box.rows.activity.values()
    assert (entry.action, entry.actor_kind) == (Action.USER_CREATE, ActorKind.HOST)
    assert "quiet" not in done.stdout + done.stderr


def test_a_name_that_is_taken_is_a_conflict(run: Run) -> None:
    run(*GOOD, typed=PASSWORD)
    again = run(*GOOD, "--json", typed=PASSWORD)
    assert again.exit_code == 4
    assert again.stdout == ""
    assert json.loads(again.stderr)["error"] == "username_taken"


def test_everything_wrong_with_an_account_is_told_at_once(run: Run) -> None:
    done = run("admin", "create", "--username", "a", "--email", "b", "--password-stdin", typed="short\n")
    assert done.exit_code == 2
    assert all(word in done.stderr for word in ("username:", "email:", "password:"))
    as_json = run("admin", "create", "--username", "a", "--email", "b", "--password-stdin", "--json", typed="short\n")
    assert {one["pointer"] for one in json.loads(as_json.stderr)["errors"]} == {"/username", "/email", "/password"}


def test_a_busy_server_is_a_dependency_that_is_down(run: Run, doors: Rehearsal) -> None:
    doors.box.hasher.busy = True
    assert run(*GOOD, typed=PASSWORD).exit_code == 69


def test_without_a_terminal_the_password_has_to_come_from_standard_input(run: Run) -> None:
    done = run(*GOOD[:-1], typed=PASSWORD)
    assert done.exit_code == 2
    assert "--password-stdin" in done.stderr
    assert run(*GOOD, typed="").exit_code == 2


@pytest.mark.usefixtures("terminal")
def test_at_a_terminal_the_password_is_asked_for_twice_and_not_shown(run: Run) -> None:
    done = run(*GOOD[:-1], "--plain", typed=PASSWORD + PASSWORD)
    assert done.exit_code == 0
    assert "Password" in done.stderr
    assert "quiet" not in done.stdout + done.stderr
    assert run(*GOOD[:-1], "--no-input", typed=PASSWORD + PASSWORD).exit_code == 2


def test_there_is_no_flag_for_a_password(run: Run) -> None:
    assert run(*GOOD[:-1], "--password", "hunter22").exit_code == 2


# config


def test_settings_are_shown_with_where_they_are_from_and_secrets_masked(run: Run, doors: Rehearsal) -> None:
    doors.environ["REVENGE_AUTH_JWT_SECRET"] = "0123456789abcdef0123456789abcdef"
    done = run("config", "show", "--json")
    assert done.exit_code == 0
    rows = {row["key"]: row for row in json.loads(done.stdout)}
    assert rows["server.port"] == {"key": "server.port", "value": 8096, "origin": "default"}
    assert rows["auth.jwt_secret"]["value"] == "********"
    assert rows["auth.jwt_secret"]["origin"] == "environment REVENGE_AUTH_JWT_SECRET"
    table = run("config", "show", "--origin").stdout
    assert "environment REVENGE_AUTH_JWT_SECRET" in table
    assert "0123456789" not in table + done.stdout


def test_flags_are_settings_and_win(run: Run, doors: Rehearsal) -> None:
    doors.environ["REVENGE_DATA_DIR"] = "/from/environment"
    rows = {row["key"]: row for row in json.loads(run("config", "show", "--json", "--data-dir", "/x").stdout)}
    assert rows["data_dir"] == {"key": "data_dir", "value": "/x", "origin": "flag --data-dir"}


def test_a_configuration_that_cannot_be_used_is_a_usage_error_that_names_every_problem(
    run: Run, doors: Rehearsal, tmp_path: Path
) -> None:
    (tmp_path / "bad.toml").write_text('[server]\nport = "x"\n')
    doors.environ["REVENGE_LOG_LEVEL"] = "loud"
    done = run("config", "validate", "--config", str(tmp_path / "bad.toml"))
    assert (done.exit_code, done.stdout) == (2, "")
    assert "server.port" in done.stderr
    assert "bad.toml" in done.stderr
    assert "environment REVENGE_LOG_LEVEL" in done.stderr
    assert done.stderr.count("server.port") == 1
    as_json = json.loads(run("config", "validate", "--json", "--config", str(tmp_path / "bad.toml")).stderr)
    assert as_json["error"] == "settings_invalid"
    assert {one["pointer"] for one in as_json["errors"]} == {"/server/port", "/log/level"}


def test_what_is_not_a_setting_is_warned_about_beside_the_result(run: Run, doors: Rehearsal) -> None:
    doors.environ["REVENGE_SERVER_PROT"] = "1"
    done = run("config", "validate", "--json")
    assert done.exit_code == 0
    assert "did you mean REVENGE_SERVER_PORT" in done.stderr
    (warning,) = json.loads(done.stdout)["warnings"]
    assert "REVENGE_SERVER_PROT" in warning


# migrate


def test_the_state_of_the_schema_is_shown(run: Run) -> None:
    assert json.loads(run("migrate", "status", "--json").stdout) == {
        "applied": ["0001_pre_one"],
        "pending": ["0002_pre_two"],
        "refusal": None,
    }
    assert run("migrate", "status", "--plain").stdout == "0001_pre_one\tapplied\n0002_pre_two\tpending\n"


def test_a_database_of_a_newer_version_is_told(run: Run, doors: Rehearsal) -> None:
    doors.status = msgspec.structs.replace(doors.status, refusal="the database was migrated by a newer Revenge")
    assert "newer Revenge" in run("migrate", "status").stderr


def test_migrations_are_applied_once_and_not_at_all_in_a_dry_run(run: Run, doors: Rehearsal) -> None:
    assert run("migrate", "up", "--dry-run").stdout == "0002_pre_two\n"
    assert doors.status.pending
    assert json.loads(run("migrate", "up", "--json").stdout) == {"applied": ["0002_pre_two"], "pending": []}
    done = run("migrate", "up")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "up to date" in done.stderr
    assert isinstance(doors.status, SchemaStatus)


# doctor

WELL = Finding(id="disk", status=Verdict.PASS, message="much room")
SO_SO = Finding(id="database-roles", status=Verdict.WARN, message="one role", fix="Make a second role")
ILL = Finding(id="secrets-mode", status=Verdict.FAIL, message="mode 0644", fix="chmod 0600 it")


@pytest.mark.parametrize(("findings", "code"), [((WELL,), 0), ((WELL, SO_SO), 0), ((WELL, SO_SO, ILL), 1)])
def test_the_doctor_fails_only_where_a_check_fails(
    run: Run, doors: Rehearsal, findings: tuple[Finding, ...], code: int
) -> None:
    doors.findings = findings
    for shape in ((), ("--json",), ("--plain",)):
        assert run("doctor", *shape).exit_code == code


def test_the_doctor_says_how_to_mend_what_it_found(run: Run, doors: Rehearsal) -> None:
    doors.findings = (WELL, ILL)
    assert json.loads(run("doctor", "--json").stdout) == [
        {"id": "disk", "status": "pass", "message": "much room", "fix": None, "docs": "docs/reference/doctor.md#disk"},
        {
            "id": "secrets-mode",
            "status": "fail",
            "message": "mode 0644",
            "fix": "chmod 0600 it",
            "docs": "docs/reference/doctor.md#secrets-mode",
        },
    ]
    done = run("doctor")
    assert "chmod 0600 it" in done.stderr
    assert "chmod" not in done.stdout


# serve


def test_flags_of_serve_reach_the_settings(run: Run, doors: Rehearsal) -> None:
    done = run("serve", "--host", "::1", "--port", "0", "--unix-socket", "/run/revenge.sock")
    assert done.stdout == "bootstrap token: 00\n"
    assert doors.served is not None
    server = doors.served.settings.server
    assert (server.host, server.port, str(server.unix_socket)) == ("::1", 0, "/run/revenge.sock")
    assert doors.served.origins["server.port"] == "flag --port"
    assert json.loads(run("serve", "--json").stdout) == {"message": "bootstrap token: 00"}


# auth calibrate


def test_the_settings_for_a_hash_that_takes_so_long_are_shown(run: Run) -> None:
    done = run("auth", "calibrate", "--target", "0.05", "--json")
    assert done.exit_code == 0
    # the double takes a second for each million of KiB times passes
    assert json.loads(done.stdout) == {
        "passwords.memory_kib": 24320,
        "passwords.time_cost": 2,
        "passwords.parallelism": 1,
        "seconds": 0.0486,
    }
    more = json.loads(run("auth", "calibrate", "--target", "1", "--max-memory", "128", "--json").stdout)
    assert 64 * 1024 < more["passwords.memory_kib"] <= 128 * 1024


def test_a_slow_machine_hears_that_less_would_not_be_safe(run: Run) -> None:
    done = run("auth", "calibrate", "--target", "0.01")
    assert done.exit_code == 0
    assert "passwords.memory_kib   19456" in done.stdout
    assert "the least that is safe" in done.stderr


# version and completion


def test_the_version_is_shown(run: Run) -> None:
    assert set(json.loads(run("version", "--json").stdout)) == {"version", "python"}
    assert run("version").stdout.startswith("revenge ")


@pytest.mark.parametrize(("shell", "word"), [("bash", "complete "), ("zsh", "#compdef revenge"), ("fish", "complete ")])
def test_there_is_completion_for_the_usual_shells(run: Run, shell: str, word: str) -> None:
    done = run("completion", shell)
    assert (done.exit_code, done.stderr) == (0, "")
    assert word in done.stdout
    assert "_REVENGE_COMPLETE" in done.stdout


def test_a_completion_script_comes_as_json_as_well(run: Run) -> None:
    done = run("completion", "zsh", "--json")
    assert json.loads(done.stdout) == {"shell": "zsh", "script": run("completion", "zsh").stdout.rstrip("\n") + "\n"}


def test_completion_knows_commands_and_options(run: Run) -> None:
    def completed(words: str, number: int) -> str:
        env = {"_REVENGE_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(number)}
        return run(env=env).stdout

    assert "plain,migrate" in completed("revenge mi", 1)
    assert "plain,--password-stdin" in completed("revenge admin create --p", 3)


# mistakes


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("serv",), "did you mean `revenge serve`?"),
        (("migrate", "statsu"), "did you mean `revenge migrate status`?"),
        (("xyzzy",), "there are: admin, "),
        (("serve", "--prot", "1"), "--port"),
        (("serve", "--port", "many"), "many"),
        (("completion", "tcsh"), "tcsh"),
    ],
)
def test_what_was_mistyped_is_a_usage_error_with_a_hint(run: Run, arguments: tuple[str, ...], hint: str) -> None:
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert hint in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [("serv",), ("migrate", "statsu"), ("serve", "--prot", "1"), ("serve", "--port", "many"), ("completion", "tcsh")],
)
def test_a_usage_error_is_an_object_where_json_is_asked_for(run: Run, arguments: tuple[str, ...]) -> None:
    done = run(*arguments, "--json")
    assert (done.exit_code, done.stdout) == (2, "")
    told = json.loads(done.stderr)
    assert (told["error"], told["errors"]) == ("usage", [])
    assert told["message"]


def test_help_shows_examples_before_options(run: Run) -> None:
    for arguments in ((), ("admin",), ("admin", "create"), ("doctor",)):
        text = run(*arguments, "--help").stdout
        assert 0 < text.index("Examples:") < text.index("Options:")
