"""Showing records, and exit codes by kind."""

import json
import unicodedata

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from revenge_cli import exits
from revenge_cli.exits import exit_code
from revenge_cli.render import Shape, harmless, json_line, json_text, show_record, show_rows
from revenge_core.auth.errors import CredentialsInvalid, HasherBusy, MasterSecretMismatch
from revenge_core.errors import Forbidden, RateLimited, RevengeError
from revenge_core.sessions.errors import SessionNotFound
from revenge_core.users.errors import UserInvalid, UsernameTaken

ROWS: list[dict[str, object]] = [
    {"name": "one", "many": [1, 2], "on": True},
    {"name": "日本", "many": [], "on": None, "more": "x"},
]


def shown(shape: Shape, *, color: bool = False) -> str:
    @click.command()
    def show() -> None:
        show_rows(shape, ("name", "many", "on"), ROWS)

    return CliRunner().invoke(show, color=color).stdout


def test_json_has_every_key_and_the_types_of_the_values() -> None:
    assert json.loads(shown(Shape.JSON)) == ROWS


@given(st.text())
def test_json_means_the_same_and_holds_nothing_that_a_terminal_obeys(text: str) -> None:
    text += "\x1b[2J\x9b2J\u202e\U000e0001\ud800\n"
    for written in (json_text({text: [text]}), json_line({text: [text]})):
        assert json.loads(written) == {text: [text]}
        assert {unicodedata.category(one) for one in written if one != "\n"} & {"Cc", "Cf", "Cs"} == set()
    assert "ふじ" in json_line("ふじ")


def test_plain_lines_are_separated_by_tabs_and_have_no_heading() -> None:
    assert shown(Shape.PLAIN) == "one\t1, 2\ttrue\n日本\t\t\n"


def test_a_table_is_aligned_by_what_a_terminal_shows() -> None:
    heading, first, second = shown(Shape.TABLE).splitlines()
    assert heading == "NAME  MANY  ON"
    assert first == "one   1, 2  true"
    assert second == "日本"


def test_a_record_is_one_line_per_field() -> None:
    @click.command()
    def show() -> None:
        show_record(Shape.TABLE, {"id": 1, "name": "a"})

    assert CliRunner().invoke(show).stdout == "id    1\nname  a\n"


@given(st.text())
def test_nothing_that_a_terminal_would_obey_is_shown(text: str) -> None:
    assert not any(unicodedata.category(character) in {"Cc", "Cf", "Cs"} for character in harmless(text))


def test_ordinary_text_stays_as_it_is() -> None:
    assert harmless("Ünïcødé 日本 · ok") == "Ünïcødé 日本 · ok"
    assert harmless("a\x1b[31mb\n") == "a\\x1b[31mb\\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RevengeError(), exits.FAILURE),
        (MasterSecretMismatch(), exits.FAILURE),
        (UserInvalid(), exits.USAGE),
        (SessionNotFound(), exits.NOT_FOUND),
        (UsernameTaken(), exits.CONFLICT),
        (Forbidden(), exits.DENIED),
        (CredentialsInvalid(), exits.DENIED),
        (HasherBusy(), exits.DEPENDENCY_DOWN),
        (RateLimited(), exits.DEPENDENCY_DOWN),
    ],
)
def test_the_exit_code_is_that_of_the_kind(error: RevengeError, code: int) -> None:
    assert exit_code(error) == code
