"""What every password hasher owes."""

import asyncio

import pytest

from revenge_core.auth.ports import PasswordHasher
from revenge_core.secrets import Secret
from revenge_core.testing.contracts.world import Contract

PASSWORDS = {
    "ordinary": "correct horse battery staple",
    "one character": "x",
    "Unicode": "пароль🔑é",
    "with a zero inside": "before\x00after",
    "as long as allowed": "é" * 512,
    "with blanks around": " pass ",
}


class PasswordHasherContract(Contract):
    """Fixture: `hasher`; give it its cheapest parameters."""

    @pytest.mark.parametrize("password", PASSWORDS.values(), ids=PASSWORDS.keys())
    async def test_the_password_that_was_hashed_fits_and_no_neighbour_does(
        self, hasher: PasswordHasher, password: str
    ) -> None:
        kept = await hasher.hash(Secret(password))
        assert await hasher.verify(kept, Secret(password))
        # The last character counts as much as the first: nothing is cut off (ASVS 6.2.8).
        assert not await hasher.verify(kept, Secret(password[:-1] + "y"))
        assert not await hasher.verify(kept, Secret("y" + password[1:]))
        assert not await hasher.verify(kept, Secret(password + " "))

    async def test_upper_and_lower_case_differ(self, hasher: PasswordHasher) -> None:
        kept = await hasher.hash(Secret("Password of Anna"))
        assert not await hasher.verify(kept, Secret("password of anna"))

    async def test_the_same_password_is_hashed_with_another_salt(self, hasher: PasswordHasher) -> None:
        password = Secret("correct horse")
        assert await hasher.hash(password) != await hasher.hash(password)

    async def test_the_password_is_not_in_its_hash(self, hasher: PasswordHasher) -> None:
        assert "correct horse" not in (await hasher.hash(Secret("correct horse"))).reveal()

    @pytest.mark.parametrize("broken", ["", "-", "correct horse", "$argon2id$", "$argon2id$v=19$m=8,t=1,p=1$x$y", "é"])
    async def test_no_password_fits_a_broken_hash(self, hasher: PasswordHasher, broken: str) -> None:
        assert not await hasher.verify(Secret(broken), Secret("correct horse"))
        assert not await hasher.verify(Secret(broken), Secret(broken))

    async def test_a_password_that_is_no_valid_text_fits_nothing_and_breaks_nothing(
        self, hasher: PasswordHasher
    ) -> None:
        kept = await hasher.hash(Secret("correct horse"))
        assert not await hasher.verify(kept, Secret("\ud800"))

    async def test_the_decoy_is_nobodys_hash_of_the_present_kind(self, hasher: PasswordHasher) -> None:
        assert hasher.decoy == hasher.decoy
        assert not hasher.needs_rehash(hasher.decoy)
        for guess in ("", "-", "decoy", "password"):
            assert not await hasher.verify(hasher.decoy, Secret(guess))

    async def test_a_hash_of_the_present_kind_needs_no_rehash(self, hasher: PasswordHasher) -> None:
        assert not hasher.needs_rehash(await hasher.hash(Secret("correct horse")))

    async def test_a_hash_of_another_kind_needs_one(self, hasher: PasswordHasher) -> None:
        assert hasher.needs_rehash(Secret("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo"))

    async def test_others_run_while_a_password_is_hashed(self, hasher: PasswordHasher) -> None:
        ran: list[str] = []

        async def other() -> None:
            ran.append("other")

        task = asyncio.create_task(other())
        kept = await hasher.hash(Secret("correct horse"))
        ran.append("hashed")
        await task
        task = asyncio.create_task(other())
        await hasher.verify(kept, Secret("correct horse"))
        ran.append("verified")
        await task
        assert ran == ["other", "hashed", "other", "verified"]

    async def test_many_at_once_are_all_judged_right(self, hasher: PasswordHasher) -> None:
        kept = await asyncio.gather(*(hasher.hash(Secret(f"password {number}")) for number in range(4)))
        verdicts = await asyncio.gather(
            *(hasher.verify(each, Secret(f"password {number}")) for number in range(4) for each in kept)
        )
        assert verdicts == [row == column for row in range(4) for column in range(4)]

    @pytest.mark.parametrize("known", [False, True])
    async def test_whoever_is_known_is_judged_like_everybody_else(self, hasher: PasswordHasher, known: bool) -> None:  # noqa: FBT001 (a parameter of the test)
        kept = await hasher.hash(Secret("correct horse"), known=known)
        assert await hasher.verify(kept, Secret("correct horse"), known=known)
        assert await hasher.verify(kept, Secret("correct horse"), known=not known)
        assert not await hasher.verify(kept, Secret("wrong horse"), known=known)
