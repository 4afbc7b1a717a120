from collections.abc import Iterator

import pytest

from revenge_adapters.memory.passwords import QuickHasher
from revenge_adapters.passwords_argon2 import Argon2Hasher
from revenge_core.auth.ports import PasswordHasher
from revenge_core.testing.contracts.passwords import PasswordHasherContract


class TestQuickHasher(PasswordHasherContract):
    @pytest.fixture
    def hasher(self) -> PasswordHasher:
        return QuickHasher()


class TestArgon2Hasher(PasswordHasherContract):
    @pytest.fixture
    def hasher(self) -> Iterator[PasswordHasher]:
        hasher = Argon2Hasher(memory_kib=64, time_cost=1, parallelism=1, threads=2, queue=32)
        yield hasher
        hasher.close()
