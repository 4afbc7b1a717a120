"""Judging, hashing and comparing passwords: the same on every path that takes one (decisions I2)."""

from revenge_core.auth.entities import AuthRules
from revenge_core.auth.errors import HasherBusy
from revenge_core.auth.policy import is_too_long, normal_form, password_problems
from revenge_core.auth.ports import PasswordHasher
from revenge_core.errors import FieldProblem
from revenge_core.secrets import Secret

_NOBODYS = Secret("-")


class Passwords:
    """Passwords of accounts."""

    def __init__(self, hasher: PasswordHasher, rules: AuthRules) -> None:
        self._hasher = hasher
        self._rules = rules

    def problems_of(self, password: Secret, *, pointer: str, username: str, email: str) -> list[FieldProblem]:
        """Everything that is wrong with a new password for this account."""
        context = (username, email, email.partition("@")[0], self._rules.server_name)
        minimum = self._rules.password_min_length
        return list(password_problems(password, pointer=pointer, min_length=minimum, context=context))

    async def hash(self, password: Secret, *, known: bool = False) -> Secret:
        """The hash to keep. `known` people come first, by their device or their session (rulings R19).

        Raises:
            HasherBusy: too many sign-ins at this moment.
        """
        return await self._hasher.hash(normal_form(password), known=known)

    async def matches(self, stored: Secret | None, password: Secret, *, known: bool = False) -> bool:
        """Whether `password` is the one behind `stored`; the same effort for nobody's (None) and for nonsense.

        `known` as for `hash`.

        Raises:
            HasherBusy: too many sign-ins at this moment.
        """
        if stored is None or is_too_long(password) or not password.reveal():
            await self._hasher.verify(self._hasher.decoy, _NOBODYS, known=known)
            return False
        return await self._hasher.verify(stored, normal_form(password), known=known)

    async def upgraded(self, stored: Secret, password: Secret) -> Secret | None:
        """A new hash of the right password where `stored` was made with other parameters, else None.

        None also while too many people sign in: it can wait for the next time.
        """
        if not self._hasher.needs_rehash(stored):
            return None
        try:
            return await self.hash(password, known=True)
        except HasherBusy:
            return None
