"""What everything that seals stored secrets owes."""

from base64 import b64encode
from collections.abc import Callable
from typing import TypeAlias

import pytest

from revenge_core.errors import SealBroken
from revenge_core.secrets import Sealer, Secret
from revenge_core.testing.contracts.world import Contract

MakeSealer: TypeAlias = Callable[[Secret], Sealer]

OURS, THEIRS = Secret("the master secret of this server!"), Secret("the master secret of another one")
TOKEN = "https://films.example.org/verify?token=4f1d0c"  # noqa: S105 -- what is sealed in these tests
SECRETS = {
    "nothing": "",
    "ordinary": TOKEN,
    "Unicode": "пароль🔑é",
    "with a zero inside": "before\x00after",
    "with half a character": "\ud83d",
    "long": "é" * 100_000,
}
NEVER_SEALED = [
    "",
    ".",
    "..",
    "sealed",
    "sealed:",
    "v1..",
    "v1.00000000.",
    "v1.00000000.AAAA",
    "no seal",
    "é.é.é",
    TOKEN,
]


class SealerContract(Contract):
    """Fixture: `make_sealer(master_secret)`."""

    @pytest.fixture
    def sealer(self, make_sealer: MakeSealer) -> Sealer:
        """The adapter of this server."""
        return make_sealer(OURS)

    @pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
    def test_what_was_sealed_opens_again(self, sealer: Sealer, secret: str) -> None:
        assert sealer.unseal(sealer.seal(Secret(secret), "mail"), "mail").reveal() == secret

    def test_it_opens_after_a_restart(self, sealer: Sealer, make_sealer: MakeSealer) -> None:
        assert make_sealer(OURS).unseal(sealer.seal(Secret(TOKEN), "mail"), "mail") == Secret(TOKEN)

    def test_the_text_shows_nothing_of_the_secret(self, sealer: Sealer) -> None:
        sealed = sealer.seal(Secret(TOKEN), "mail")
        for spelled in (TOKEN, TOKEN[-6:], TOKEN.encode().hex(), b64encode(TOKEN.encode()).decode()):
            assert spelled not in sealed

    def test_the_text_fits_into_a_line_of_anything(self, sealer: Sealer) -> None:
        sealed = sealer.seal(Secret(SECRETS["Unicode"]), "mail")
        assert sealed.isascii()
        assert sealed.isprintable()
        assert not set(sealed) & set(" \"'\\")

    @pytest.mark.asvs("11.3.4")
    def test_the_same_secret_is_sealed_differently_each_time(self, sealer: Sealer) -> None:
        assert len({sealer.seal(Secret(TOKEN), "mail") for _ in range(20)}) == 20

    @pytest.mark.asvs("11.3.3")
    def test_it_opens_in_its_context_only(self, sealer: Sealer) -> None:
        sealed = sealer.seal(Secret(TOKEN), "mail")
        for context in ("", "Mail", "mail ", "mai", "another", "mäil"):
            with pytest.raises(SealBroken):
                sealer.unseal(sealed, context)

    def test_a_context_is_any_text(self, sealer: Sealer) -> None:
        for context in ("", "job send_email", "Zoë 🎬"):
            assert sealer.unseal(sealer.seal(Secret(TOKEN), context), context) == Secret(TOKEN)

    @pytest.mark.asvs("11.2.5", "11.3.2")
    def test_a_seal_changed_anywhere_is_broken(self, sealer: Sealer) -> None:
        sealed = sealer.seal(Secret(TOKEN), "mail")
        for place, character in enumerate(sealed):
            for other in {"A", "a", "0", "=", "."} - {character}:
                with pytest.raises(SealBroken):
                    sealer.unseal(sealed[:place] + other + sealed[place + 1 :], "mail")

    def test_a_seal_cut_or_lengthened_is_broken(self, sealer: Sealer) -> None:
        sealed = sealer.seal(Secret(TOKEN), "mail")
        for end in range(len(sealed)):
            with pytest.raises(SealBroken):
                sealer.unseal(sealed[:end], "mail")
        for more in ("A", "=", "\n", " ", "AAAA"):
            with pytest.raises(SealBroken):
                sealer.unseal(sealed + more, "mail")

    @pytest.mark.parametrize("text", NEVER_SEALED)
    def test_what_was_never_sealed_is_no_seal(self, sealer: Sealer, text: str) -> None:
        with pytest.raises(SealBroken) as refused:
            sealer.unseal(text, "mail")
        assert refused.value.detail == SealBroken.title

    def test_another_servers_secret_does_not_open_it(self, sealer: Sealer, make_sealer: MakeSealer) -> None:
        with pytest.raises(SealBroken):
            make_sealer(THEIRS).unseal(sealer.seal(Secret(TOKEN), "mail"), "mail")
