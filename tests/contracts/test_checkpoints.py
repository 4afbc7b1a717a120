from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from revenge_adapters.checkpoints_ed25519 import Ed25519Signer
from revenge_adapters.checkpoints_shipping import FileShipper
from revenge_adapters.memory.seals import MemoryShipper, MemorySigner
from revenge_core.activity.entities import Checkpoint
from revenge_core.activity.policy import checkpoint_of
from revenge_core.activity.ports import CheckpointShipper, CheckpointSigner
from revenge_core.secrets import Secret
from revenge_core.testing.contracts.checkpoints import CheckpointShipperContract, CheckpointSignerContract

SECRET = Secret("the master secret of some server")


class TestMemorySigner(CheckpointSignerContract):
    @pytest.fixture
    def signer(self) -> CheckpointSigner:
        return MemorySigner()

    @pytest.fixture
    def again(self) -> CheckpointSigner:
        return MemorySigner()

    @pytest.fixture
    def other(self) -> CheckpointSigner:
        return MemorySigner(b"another key")


class TestEd25519Signer(CheckpointSignerContract):
    @pytest.fixture
    def signer(self) -> CheckpointSigner:
        return Ed25519Signer(SECRET)

    @pytest.fixture
    def again(self) -> CheckpointSigner:
        return Ed25519Signer(SECRET)

    @pytest.fixture
    def other(self) -> CheckpointSigner:
        return Ed25519Signer(Secret("the master secret of another server"))


class TestMemoryShipper(CheckpointShipperContract):
    @pytest.fixture
    def signer(self) -> CheckpointSigner:
        return MemorySigner()

    @pytest.fixture
    def shipper(self) -> CheckpointShipper:
        made = MemoryShipper()
        made.on = True
        return made

    @pytest.fixture
    def arrived(self, shipper: MemoryShipper) -> Callable[[], Sequence[Checkpoint]]:
        return lambda: shipper.shipped


class TestFileShipper(CheckpointShipperContract):
    @pytest.fixture
    def signer(self) -> CheckpointSigner:
        return Ed25519Signer(SECRET)

    @pytest.fixture
    def shipper(self, tmp_path: Path) -> CheckpointShipper:
        return FileShipper(tmp_path / "kept.ndjson")

    @pytest.fixture
    def arrived(self, tmp_path: Path) -> Callable[[], Sequence[Checkpoint]]:
        def read() -> list[Checkpoint]:
            lines = (tmp_path / "kept.ndjson").read_bytes().splitlines()
            return [one for one in map(checkpoint_of, lines) if one is not None]

        return read
