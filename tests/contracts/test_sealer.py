import pytest

from revenge_adapters.memory.sealer import MemorySealer
from revenge_adapters.sealer_cryptography import CryptographySealer
from revenge_core.errors import SealBroken
from revenge_core.secrets import Secret
from revenge_core.testing.contracts.sealer import OURS, THEIRS, MakeSealer, SealerContract


class TestMemorySealer(SealerContract):
    @pytest.fixture
    def make_sealer(self) -> MakeSealer:
        return MemorySealer


class TestCryptographySealer(SealerContract):
    @pytest.fixture
    def make_sealer(self) -> MakeSealer:
        return CryptographySealer


def test_after_a_change_of_the_master_secret_what_the_older_one_sealed_still_opens() -> None:
    sealed = CryptographySealer(OURS).seal(Secret("token"), "mail")
    changed = CryptographySealer(THEIRS, OURS)
    assert changed.unseal(sealed, "mail") == Secret("token")
    with pytest.raises(SealBroken):
        CryptographySealer(OURS).unseal(changed.seal(Secret("token"), "mail"), "mail")


def test_the_key_is_named_and_not_told() -> None:
    version, key_id, _ = CryptographySealer(OURS).seal(Secret("token"), "mail").split(".")
    assert version == "v1"
    assert len(bytes.fromhex(key_id)) == 4
    assert key_id not in OURS.reveal().encode().hex()


def test_what_a_released_version_sealed_opens() -> None:
    kept = "v1.59f8522d.1UvOhimMiKLTWcRfP3keP2rYamHQTbcL_2falF5-zyyDS9TTUcykO51MuNPN8nn4fvbTiG3JlOc="
    assert CryptographySealer(OURS).unseal(kept, "job send_email") == Secret("kept since the first release")
