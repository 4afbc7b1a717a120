import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revenge_core.mail.policy import (
    ADDRESS_MAX,
    BODY_MAX,
    SUBJECT_MAX,
    address_problems,
    email_problems,
    line_problems,
    message_id,
    wire_address,
)
from revenge_core.secrets import Secret
from revenge_core.testing.builders import an_email
from revenge_core.testing.contracts.mailer import ADDRESSES
from revenge_core.users.policy import email_problems as account_problems

UNIQUE = UUID("019a0000-0000-7000-8000-000000000000")


def pointers(**changes: object) -> list[str]:
    return [problem.pointer for problem in email_problems(an_email(**changes))]


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES.keys())
def test_an_address_that_an_account_may_have_can_be_written_to(address: str) -> None:
    assert list(account_problems(address)) == []
    assert list(address_problems(address, "/to")) == []


@pytest.mark.parametrize(
    "address",
    [
        "",
        "@",
        "ada",
        "ada@",
        "@example.org",
        "ada@example.org\n",
        "ada@example.org\r\nRCPT TO:<eve@example.org>",
        "ada\r\nDATA\r\n@example.org",
        "ada\x00@example.org",
        "ada\u2028@example.org",
        "ada\u202e@example.org",
        "ada @example.org",
        "ada@exam ple.org",
        "Ada <ada@example.org>",
        "ada@example.org,eve@example.org",
        "ada@example.org> NOTIFY=NEVER",
        "ada@example.org>",
        "eve@example.com@example.org",
        "ada@example..org",
        "ada@.example.org",
        "ada@example.org.",
        "ada@-example.org",
        "ada@example-.org",
        "ada@exa_mple.org",
        "ada@[192.0.2.1]",
        "ada@example.org:25",
        "ada@example\uff0eorg",
        "ada@" + "x" * 64 + ".org",
        "x" * 65 + "@example.org",
        "ж" * 33 + "@example.org",
        "ada@" + "x.example." * 30 + "org",
        "ada@example.org" + "x" * 1_000_000,
        "\ud83d@example.org",
    ],
)
def test_what_is_no_address_or_more_than_one_is_refused(address: str) -> None:
    assert {problem.pointer for problem in address_problems(address, "/to")} == {"/to"}


@given(st.text(max_size=40).map(lambda local: f"{local}@example.org"))
def test_what_is_told_to_mail_servers_is_one_address_on_one_line(address: str) -> None:
    told = wire_address(address)
    if not list(address_problems(address, "/to")):
        assert re.fullmatch(r'([^\s<>()"\\,;:@\[\]]+|"([^"\\\s]|\\["\\])+")@example\.org', told)
        assert told.splitlines() == [told]


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("ada@example.org", "ada@example.org"),
        ("Ada.Lovelace+x@Example.ORG", "Ada.Lovelace+x@Example.ORG"),
        ("ada(eve)@example.org", '"ada(eve)"@example.org'),
        ('a"b\\c@example.org', '"a\\"b\\\\c"@example.org'),
        (".ada@example.org", '".ada"@example.org'),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
        ("ada@straße.example", "ada@straße.example"),  # 2003 says strasse, 2008 does not
        ("ada@उदाहरण.example", "ada@xn--p1b6ci4b4b3a.example"),
    ],
)
def test_an_address_is_told_to_mail_servers_so_that_no_other_is_meant(address: str, told: str) -> None:
    assert wire_address(address) == told


def test_every_field_of_a_message_is_looked_at_and_every_problem_named() -> None:
    assert pointers() == []
    assert pointers(to="x", reply_to="y", subject="", text=Secret(""), html=Secret("")) == [
        "/to",
        "/reply_to",
        "/subject",
        "/text",
        "/html",
    ]


@pytest.mark.parametrize("break_", ["\n", "\r", "\r\n", "\x00", "\x0b", "\x85", "\u2028", "\u2029", "\ud83d"])
def test_no_subject_starts_another_header(break_: str) -> None:
    assert pointers(subject=f"Hello{break_}Bcc: eve@example.org") == ["/subject"]


def test_a_subject_has_an_end() -> None:
    assert pointers(subject="x" * SUBJECT_MAX) == []
    assert pointers(subject="x" * (SUBJECT_MAX + 1)) == ["/subject"]


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("one\ttwo\n", True),
        ("é" * (BODY_MAX // 2), True),
        ("é" * (BODY_MAX // 2) + "x", False),
        ("one\r\ntwo", False),
        ("one\x00two", False),
        ("one\x1btwo", False),
        ("\ud83d", False),
    ],
)
def test_a_text_holds_lines_of_characters_and_nothing_else(text: str, good: bool) -> None:
    assert (pointers(text=Secret(text)) == []) is good
    assert (pointers(html=Secret(text)) == []) is good


def test_no_problem_repeats_what_may_be_secret() -> None:
    problems = list(email_problems(an_email(text=Secret("token-4f1d\x00"), html=Secret("token-4f1d\x00"))))
    assert "4f1d" not in repr(problems)


def test_a_name_may_be_empty_where_that_is_said() -> None:
    assert list(line_problems("", "/name", at_least=0, at_most=5)) == []
    assert [problem.pointer for problem in line_problems("", "/name", at_least=1, at_most=5)] == ["/name"]


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        ("revenge@films.example.org", f"{UNIQUE}@films.example.org"),
        ("revenge@bücher.example", f"{UNIQUE}@xn--bcher-kva.example"),
        ("revenge@straße.example", f"{UNIQUE}@localhost"),
    ],
)
def test_the_id_of_a_message_is_written_in_ascii_and_names_who_made_it(sender: str, expected: str) -> None:
    assert message_id(UNIQUE, sender) == expected


def test_an_address_as_long_as_they_get_is_good() -> None:
    address = "x" * 64 + "@" + "y" * 63 + "." + "y" * 63 + "." + "y" * 57 + ".org"
    assert len(address) == ADDRESS_MAX
    assert list(address_problems(address, "/to")) == []


@given(
    st.one_of(
        st.text(max_size=80),
        st.builds("{}@{}".format, st.text(max_size=70), st.text(max_size=40)),
        st.builds("{}@{}.org".format, st.text("aä.-+", max_size=70), st.text("aä-_.\u0301\u200d", max_size=70)),
    )
)
def test_whatever_somebody_may_register_with_can_be_written_to(address: str) -> None:
    if not list(account_problems(address)):
        assert list(address_problems(address, "/to")) == []
