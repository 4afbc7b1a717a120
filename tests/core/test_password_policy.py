import asyncio
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revenge_adapters import sandbox
from revenge_adapters.memory.passwords import QuickHasher
from revenge_core.accounts.errors import AccountInvalid
from revenge_core.auth.entities import AuthRules
from revenge_core.auth.errors import CredentialsInvalid
from revenge_core.auth.policy import common_passwords
from revenge_core.auth.service import Passwords
from revenge_core.secrets import Secret
from tests.core.people import new_user

RULES = AuthRules(server_name="Film Club")


def problems(text: str, rules: AuthRules = RULES) -> list[str]:
    found = Passwords(QuickHasher(), rules).problems_of(
        Secret(text), pointer="/password", username="anneliese", email="kaiser@example.org"
    )
    assert {problem.pointer for problem in found} <= {"/password"}
    return [problem.detail for problem in found]


@pytest.mark.asvs("6.2.1")
@pytest.mark.asvs("6.2.9")
@pytest.mark.parametrize(
    ("length", "is_good"), [(0, False), (7, False), (8, True), (14, True), (64, True), (256, True), (1024, True)]
)
def test_a_password_has_at_least_eight_characters(length: int, is_good: bool) -> None:
    assert (problems("xq" * (length // 2) + "z" * (length % 2)) == []) is is_good


@pytest.mark.parametrize("length", [1025, 2**20])
def test_a_password_has_at_most_1024_bytes(length: int) -> None:
    assert problems("x" * length) == ["must have at most 1024 bytes in UTF-8"]
    assert problems("é" * (length // 2 + 1)) == ["must have at most 1024 bytes in UTF-8"]


def test_the_least_length_is_a_setting() -> None:
    strict = AuthRules(password_min_length=15)
    assert problems("qwolfkrtzpvmab", strict) == ["must have at least 15 characters"]
    assert problems("qwolfkrtzpvmabc", strict) == []


def test_characters_are_counted_as_they_are_hashed() -> None:
    assert problems("e\u0301" * 7) == ["must have at least 8 characters"]
    assert problems("e\u0301" * 8) == []


@pytest.mark.asvs("6.2.5")
@pytest.mark.parametrize(
    "password", ["qqwwolfk", "QQWWOLFK", "7391 826", "        x", "пароль-длинный", "🔑🗝️🔒🔓🚪🏠🪟🛋️"]
)
def test_no_composition_is_asked_for(password: str) -> None:
    assert problems(password) == []


@pytest.mark.asvs("6.2.4")
@pytest.mark.parametrize("password", ["password", "PassWord", "12345678", "iloveyou", "football"])
def test_what_is_tried_first_is_refused(password: str) -> None:
    assert problems(password) == ["is one of the passwords that are tried first; choose another one"]


def test_the_list_of_common_passwords_is_long_and_in_the_form_that_is_compared() -> None:
    known = common_passwords()
    assert len(known) > 3_000
    assert [word for word in known if word != word.casefold() or len(word) < 8] == []


@pytest.mark.asvs("6.2.11")
@pytest.mark.parametrize(
    "password",
    [
        "anneliese",
        "Anneliese1",
        "ANNELIESE2026",
        "xanneliese!",
        "kaiser@example.org",
        "kaiser99",
        "Film Club",
    ],
)
def test_words_of_the_context_are_refused(password: str) -> None:
    assert problems(password) == ["must not be made of your name, your address or the server's name"]


@pytest.mark.parametrize("password", ["anneliese likes tea", "my kaiser roll", "filmclub"])
def test_a_long_password_may_hold_such_a_word(password: str) -> None:
    assert problems(password) == []


def test_a_short_name_forbids_nothing() -> None:
    found = Passwords(QuickHasher(), RULES).problems_of(
        Secret("ada12345x"), pointer="/password", username="ada", email="a@b.c"
    )
    assert found == []


def test_a_password_is_valid_text() -> None:
    assert problems("qwolfkrt\ud800") == ["must be valid Unicode text"]


@pytest.mark.parametrize("password", ["qwolfkrt\x00zp", "qwolfkrt\x00", "\x00" * 8])
def test_a_zero_is_a_character_like_others(password: str) -> None:
    assert problems(password) == []


GOOD = st.text(st.characters(exclude_categories=["Cs"]), min_size=8, max_size=80).filter(
    lambda text: problems(text) == []
)


@pytest.mark.asvs("6.2.8")
@given(GOOD, st.data())
def test_an_accepted_password_signs_in_and_one_that_differs_by_a_character_does_not(
    password: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(password) - 1))
    other = password[:at] + data.draw(st.characters(exclude_categories=["Cs"])) + password[at + 1 :]
    is_same = unicodedata.normalize("NFC", other) == unicodedata.normalize("NFC", password)

    async def story() -> None:
        revenge = sandbox(auth_rules=RULES).revenge
        auth = revenge.auth
        await revenge.accounts.register(new_user("anneliese"), Secret(password))
        await auth.login("anneliese", Secret(password))
        await auth.login("anneliese", Secret(unicodedata.normalize("NFD", password)))
        if not is_same:
            with pytest.raises(CredentialsInvalid):
                await auth.login("anneliese", Secret(other))

    asyncio.run(story())


@given(st.text(max_size=80))
def test_whatever_is_refused_makes_no_account(password: str) -> None:
    box = sandbox(auth_rules=RULES)

    async def story() -> None:
        try:
            await box.revenge.accounts.register(new_user("anneliese"), Secret(password))
        except AccountInvalid:
            assert box.rows.users == {}
        else:
            assert len(box.rows.users) == 1

    asyncio.run(story())
