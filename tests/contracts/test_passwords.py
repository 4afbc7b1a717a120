import pytest

from revenge_adapters.memory.passwords import QuickHasher
from revenge_core.auth.ports import PasswordHasher
from revenge_core.testing.contracts.passwords import PasswordHasherContract


class TestQuickHasher(PasswordHasherContract):
    @pytest.fixture
    def hasher(self) -> PasswordHasher:
        return QuickHasher()
