"""What the documentation promises in tables is what the program does (ASVS 6.1, 7.1, 8.1, 16.1)."""

import ast
import re
from datetime import timedelta
from typing import Final

import pytest

from revenge_adapters import Settings
from revenge_adapters.wiring.rules import auth_rules, session_rules
from revenge_adapters.wiring.settings.schema import all_settings
from revenge_core.sessions.entities import ClientType
from tests.house.modules import PACKAGES, ROOT, sources
from tests.house.vocabulary import errors
from tests.http.test_profiles import SHOWN

SECURITY: Final = (ROOT / "docs" / "security.md").read_text("utf-8")
OPERATIONS: Final = (ROOT / "docs" / "operations.md").read_text("utf-8")
KINDS: Final = {"applications": ClientType.APP, "browsers": ClientType.BROWSER, "television sets": ClientType.TV}
UNITS: Final = {"s": "seconds", "days": "days"}


def table(page: str, first_line: str) -> list[list[str]]:
    """The cells of the table that begins with this line, its head first."""
    found = page[page.index(first_line) :].partition("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in (found[0], *found[2:])]


def span(text: str) -> timedelta:
    """`30 days` as a duration."""
    number, unit = text.split()
    return timedelta(**{UNITS[unit]: int(number)})


@pytest.mark.asvs("7.1.1")
def test_the_ends_of_sessions_are_those_of_the_table() -> None:
    head, unused, absolute = table(SECURITY, "| | applications |")
    assert (unused[0], absolute[0]) == ("without use for", "after signing in, whatever happens")
    assert set(head[1:]) == KINDS.keys()
    rules = session_rules(Settings())
    for name, idle, longest in zip(head[1:], unused[1:], absolute[1:], strict=True):
        lifetime = rules.lifetime(KINDS[name])
        assert (span(idle), span(longest)) == (lifetime.idle, lifetime.absolute)
    assert "NIST SP 800-63B-4" in SECURITY


@pytest.mark.asvs("7.1.2")
def test_how_many_sessions_somebody_has_is_told_and_what_happens_then() -> None:
    told = re.search(r"One person has at most (\d+) sessions\. The oldest ends when an eleventh begins", SECURITY)
    assert told
    assert int(told[1]) == session_rules(Settings()).max_per_user == 10


@pytest.mark.asvs("6.1.1")
def test_how_guesses_are_braked_is_what_the_table_says() -> None:
    rules = auth_rules(Settings()).guesses
    _, *rows = table(SECURITY, "| what is counted | at once |")
    brakes = (rules.per_pair, rules.per_address, rules.per_account, rules.per_device)
    assert [(int(at_once), span(each)) for _, at_once, each, _ in rows] == [(one.burst, one.regain) for one in brakes]
    assert "**Nobody can be kept out.**" in SECURITY


@pytest.mark.asvs("8.1.2")
def test_what_strangers_see_of_a_profile_is_what_the_table_says() -> None:
    words = {
        "name": "username",
        "name for display": "display_name",
        "picture": "avatar_url",
        "since when": "created_at",
        "the address if `show_email` is on": "email",
    }
    rows = {row[0]: row for row in table(SECURITY, "| who looks | at whom | sees |")}
    told = {words[part] for part in re.split("[,;] ", rows["anybody else signed in"][2])}
    always = {"id", "is_active"}  # what was asked for, and what is true of everybody whom strangers see
    assert {*SHOWN, "email", "avatar_url"} - always == told


@pytest.mark.asvs("8.1.3", "8.1.4")
def test_what_else_decides_is_told_with_the_answer_that_it_gives() -> None:
    _, *rows = table(SECURITY, "| what else decides |")
    answers = {code for *_, answer in rows for code in re.findall("`([a-z_]+)`", answer)}
    known = {error.code for error in errors()}
    assert {"reauth_required", "too_many_attempts", "rate_limited", "csrf_failed", "api_key_address"} <= answers
    assert answers <= known
    assert set(re.findall(r"`(\w+\.\w+)`", str(rows))) <= set(all_settings())


@pytest.mark.asvs("16.1.1")
def test_every_log_is_listed_with_its_form_its_readers_and_its_end() -> None:
    head, *rows = table(OPERATIONS, "| log | holds |")
    assert head == ["log", "holds", "where, in which form", "who reads it", "kept"]
    assert [row[0] for row in rows] == [
        "the program's",
        "requests",
        "the audit log",
        "errors of jobs",
        "PostgreSQL's own",
    ]
    assert all(cell for row in rows for cell in row)
    assert set(re.findall(r"`(\w+\.\w+)`", str(rows))) <= set(all_settings())


@pytest.mark.asvs("16.2.3")
def test_one_place_decides_where_the_log_goes() -> None:
    found = {
        f"{path.relative_to(ROOT).as_posix()}: {name}"
        for path in sources(*PACKAGES)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and ((name := ast.unparse(node.func)).endswith(("Handler", "addHandler", "basicConfig", "dictConfig")))
        and "log" in name.lower()
    }
    assert found == {"revenge_http/logs.py: logging.StreamHandler"}
