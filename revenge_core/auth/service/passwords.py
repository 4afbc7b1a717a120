"""Judging, hashing and comparing passwords: the same on every path that takes one (decisions I2)."""

from revenge_core.auth.entities import AuthRules
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

    async def hash(self, password: Secret) -> Secret:
        """The hash to keep.

        Raises:
            HasherBusy: too many sign-ins at this moment.
        """
        return await self._hasher.hash(normal_form(password))

    async def matches(self, stored: Secret | None, password: Secret) -> bool:
        """Whether `password` is the one behind `stored`; the same effort for nobody's (None) and for nonsense.

        Raises:
            HasherBusy: too many sign-ins at this moment.
        """
        if stored is None or is_too_long(password) or not password.reveal():
            await self._hasher.verify(self._hasher.decoy, _NOBODYS)
            return False
        return await self._hasher.verify(stored, normal_form(password))

    async def upgraded(self, stored: Secret, password: Secret) -> Secret | None:
        """A new hash of the same password where `stored` was made with other parameters, else None.

        Raises:
            HasherBusy: too many sign-ins at this moment.
        """
        return await self.hash(password) if self._hasher.needs_rehash(stored) else None
