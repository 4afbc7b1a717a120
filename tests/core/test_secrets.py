import copy
import hashlib
import pickle
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revenge_core.auth.entities import Credential, TokenPair
from revenge_core.ids import SessionId
from revenge_core.secrets import Secret, derive_token, digest, new_salt, new_token
from revenge_core.testing.builders import NOW, a_user

TEXT = "correct horse battery staple"
SECRET = Secret(TEXT)
ANY_TEXT = st.text(st.characters())


def test_a_secret_hides_wherever_it_may_be_printed() -> None:
    shown = [repr(SECRET), str(SECRET), f"{SECRET}", f"{SECRET!r}", "%s %r" % (SECRET, SECRET)]  # noqa: UP031 - logging does it
    assert [text for text in shown if TEXT in text] == []


def test_a_secret_hides_inside_of_records() -> None:
    user = a_user()
    pair = TokenPair(
        access_token=SECRET, refresh_token=SECRET, expires_in=1, session_id=SessionId(UUID(int=1)), session_expires_in=1
    )
    credential = Credential(user_id=user.id, password_hash=SECRET, changed_at=NOW)
    assert TEXT not in f"{pair} {credential!r} {[SECRET]} { ({'key': SECRET}) }"


def test_a_secret_reveals_itself_when_asked() -> None:
    assert SECRET.reveal() == TEXT


def test_a_secret_cannot_be_pickled() -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="reveal"):
            pickle.dumps(SECRET, protocol)
    with pytest.raises(TypeError):
        copy.copy(SECRET)


@given(ANY_TEXT, ANY_TEXT)
def test_secrets_are_equal_if_their_texts_are(one: str, other: str) -> None:
    assert (Secret(one) == Secret(other)) == (one == other)
    assert Secret(one) == Secret(one)
    assert hash(Secret(one)) == hash(Secret(one))


def test_a_secret_is_not_its_text() -> None:
    assert SECRET != TEXT
    assert hash(SECRET) != hash(TEXT)


@pytest.mark.asvs("7.2.3")
@pytest.mark.asvs("11.5.1")
def test_tokens_and_salts_are_random_and_long() -> None:
    tokens = [new_token().reveal() for _ in range(100)]
    assert len(set(tokens)) == 100
    assert {len(bytes.fromhex(token)) for token in tokens} == {32}
    assert len({new_salt() for _ in range(100)}) == 100
    assert len(new_salt()) == 16


def test_a_digest_is_sha_256() -> None:
    assert digest(SECRET) == hashlib.sha256(TEXT.encode()).digest()


@given(ANY_TEXT, st.binary())
def test_whatever_is_typed_has_a_digest_and_a_child(text: str, salt: bytes) -> None:
    assert len(digest(Secret(text))) == 32
    assert len(bytes.fromhex(derive_token(Secret(text), salt).reveal())) == 32


def test_a_child_needs_both_its_parent_and_the_salt() -> None:
    parent, other = new_token(), new_token()
    salt = new_salt()
    child = derive_token(parent, salt)
    assert child == derive_token(parent, salt)
    assert len({child, derive_token(other, salt), derive_token(parent, new_salt()), parent}) == 4
