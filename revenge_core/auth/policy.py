"""Rules for passwords (decisions I2, rulings R20): length and guessability, never composition."""

import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import Final

from revenge_core.errors import FieldProblem
from revenge_core.secrets import Secret

PASSWORD_MAX_BYTES: Final = 1024
CONTEXT_WORD_MIN: Final = 4


def normal_form(password: Secret) -> Secret:
    """The form in which a password is hashed: NFC, so that one keyboard's é is another's."""
    return Secret(unicodedata.normalize("NFC", password.reveal()))


def is_too_long(password: Secret) -> bool:
    """Whether hashing it, or even bringing it into normal form, could be used to waste the server's time.

    Normalising takes quadratic time in runs of combining marks, so what cannot be short enough is not normalised.
    """
    if _bytes_of(password) > _LONGEST_SPELLING * PASSWORD_MAX_BYTES:
        return True
    return _bytes_of(normal_form(password)) > PASSWORD_MAX_BYTES


_LONGEST_SPELLING: Final = 3
"""A text in NFC has at most three times as many bytes in its longest equivalent spelling (Unicode TR 15)."""


def _bytes_of(password: Secret) -> int:
    return len(password.reveal().encode("utf-8", "surrogatepass"))


def password_problems(
    password: Secret, *, pointer: str, min_length: int, context: Iterable[str]
) -> Iterator[FieldProblem]:
    """What is wrong with a new password; the same on every path that sets one (ASVS 6.2.1, 6.2.4, 6.2.11).

    `context` are words that a guesser tries first: the user name, the address, the server's name.
    """
    if is_too_long(password):
        yield FieldProblem(pointer=pointer, detail=f"must have at most {PASSWORD_MAX_BYTES} bytes in UTF-8")
        return
    text = normal_form(password).reveal()
    if len(text) < min_length:
        yield FieldProblem(pointer=pointer, detail=f"must have at least {min_length} characters")
    if any(unicodedata.category(character) == "Cs" for character in text):
        yield FieldProblem(pointer=pointer, detail="must be valid Unicode text")
    folded = text.casefold()
    if folded in common_passwords():
        yield FieldProblem(pointer=pointer, detail="is one of the passwords that are tried first; choose another one")
    if any(_leans_on(folded, word) for word in context):
        yield FieldProblem(pointer=pointer, detail="must not be made of your name, your address or the server's name")


def _leans_on(folded: str, word: str) -> bool:
    """Whether the password is the word with little around it: digits, or up to three characters."""
    known = word.casefold()
    if len(known) < CONTEXT_WORD_MIN or known not in folded:
        return False
    rest = folded.replace(known, "")
    return len(rest) <= CONTEXT_WORD_MIN - 1 or rest.isdigit()


@cache
def common_passwords() -> frozenset[str]:
    """The bundled list, casefolded: passwords of eight characters and more that leaked most often."""
    text = files("revenge_core.auth").joinpath("common_passwords.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))
