"""Rules for passwords: what they must be (decisions I2, rulings R20), and how often they may be guessed (I7, R19)."""

import unicodedata
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from revenge_core.auth.entities import Allowance, GuessCount, GuessRules
from revenge_core.errors import FieldProblem
from revenge_core.ids import DeviceId, UserId
from revenge_core.secrets import Secret
from revenge_core.users.entities import User

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


def may_sign_in(user: User, now: datetime) -> bool:
    """Whether the account lives and is enabled, or was deleted by its owner, who may come back (rulings R20)."""
    if user.deleted_at is None:
        return user.is_active
    return user.is_active and user.may_return and user.purge_at is not None and now < user.purge_at


# Guesses

GUESSES_KEPT: Final = timedelta(days=1)
"""How long counts are kept at least (platform.md 14.3); longer where the settings let them regain more slowly."""
_ROUNDING: Final = 1e-6
"""Waits shorter than this are none: times come back from a database in whole microseconds."""


class GuessKeys:
    """The keys under which one guess is counted.

    `who` is the account's id, however it was spelled (identity.md, 11); for a name that nobody has, its fingerprint.
    """

    def __init__(self, who: str, address: str) -> None:
        self._who = who
        self._address = address

    @property
    def pair(self) -> str:
        """One account from one address."""
        return f"pair:{self._who} {self._address}"

    @property
    def address(self) -> str:
        """All accounts from one address."""
        return f"address:{self._address}"

    @property
    def account(self) -> str:
        """One account from everywhere."""
        return f"account:{self._who}"

    @property
    def all(self) -> tuple[str, str, str]:
        """What a guess from an unknown device counts for."""
        return (self.pair, self.address, self.account)

    def device(self, device: DeviceId) -> str:
        """One account from a device that it knows."""
        return f"device:{self._who} {device}"


def allowance_of(key: str, rules: GuessRules) -> Allowance:
    """The allowance that this key uses up."""
    kinds = {"pair": rules.per_pair, "address": rules.per_address, "account": rules.per_account}
    return kinds.get(key.partition(":")[0], rules.per_device)


def subjects_of(key: str) -> tuple[UserId | None, str | None]:
    """The account and the address that a key names; None for what it does not, and for names that nobody has."""
    kind, _, subjects = key.partition(":")
    who, _, where = subjects.partition(" ")
    if kind == "address":
        return None, who
    try:
        account = UserId(UUID(who))
    except ValueError:
        account = None
    return account, where if kind == "pair" else None


def used_now(count: GuessCount, allowance: Allowance, now: datetime) -> float:
    """How much of the allowance is used up at this time: it comes back evenly."""
    return max(0.0, count.used - _elapsed(count, now) / allowance.regain.total_seconds())


def charged(count: GuessCount, allowance: Allowance, now: datetime) -> GuessCount:
    """The count with one guess more.

    It is never above the whole allowance: however long an attack was, soon after its end all is as before.
    """
    used = min(float(allowance.burst), used_now(count, allowance, now) + 1)
    return replace(count, used=used, at=max(count.at, now))


def taken(before: GuessCount, after: GuessCount, allowance: Allowance, now: datetime) -> float:
    """How much of the allowance a guess took between these two."""
    return used_now(after, allowance, now) - used_now(before, allowance, now)


def earlier_by(taken: float, allowance: Allowance) -> timedelta:
    """By how much a count is dated back for a guess that was none. What others guessed meanwhile stays.

    It is as long as what the guess took needs to come back: so nobody waits for a try of their own because of it, and
    no more comes back.
    """
    return taken * allowance.regain


def wait(count: GuessCount, allowance: Allowance, now: datetime) -> float:
    """Seconds until one more guess fits into the allowance; 0 if it does."""
    missing = used_now(count, allowance, now) + 1 - allowance.burst
    return _rounded(missing * allowance.regain.total_seconds())


def strangers_wait(
    pair: GuessCount, address: GuessCount, account: GuessCount, rules: GuessRules, now: datetime
) -> float:
    """Seconds until somebody from this address, on a device that the account does not know, may guess; 0 for now.

    Where everybody together used up the account's allowance, each address keeps one try in each `per_pair.regain`:
    nobody can keep the owner out from elsewhere (rulings R19).
    """
    regain = rules.per_pair.regain.total_seconds()
    own_try = 0.0 if used_now(pair, rules.per_pair, now) == 0 else _rounded(regain - _elapsed(pair, now))
    return max(
        wait(pair, rules.per_pair, now),
        wait(address, rules.per_address, now),
        min(wait(account, rules.per_account, now), own_try),
    )


def forgotten_after(rules: GuessRules) -> timedelta:
    """How long after its last guess a count says nothing any more, a day at least."""
    allowances = (rules.per_pair, rules.per_address, rules.per_account, rules.per_device)
    return max(GUESSES_KEPT, *(one.burst * one.regain for one in allowances))


def _elapsed(count: GuessCount, now: datetime) -> float:
    """Seconds since the count was changed; none if another server's clock is ahead."""
    return max(0.0, (now - count.at).total_seconds())


def _rounded(seconds: float) -> float:
    return seconds if seconds > _ROUNDING else 0.0
