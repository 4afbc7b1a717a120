"""What whoever signs checkpoints owes, and whoever takes them off the box."""

from collections.abc import Callable, Sequence
from typing import Final

from msgspec.structs import replace

from revenge_core.activity.entities import Checkpoint
from revenge_core.activity.policy import checkpoint_message, message_of
from revenge_core.activity.ports import CheckpointShipper, CheckpointSigner
from revenge_core.testing.builders import NOW
from revenge_core.testing.contracts.world import Contract

NOBODY: Final[frozenset[bytes]] = frozenset()


def a_signed_checkpoint(signer: CheckpointSigner, sequence: int = 1) -> Checkpoint:
    """A checkpoint that `signer` vouches for."""
    reached = bytes([sequence]) * 32
    signed = signer.sign(checkpoint_message(sequence, reached, NOW))
    return Checkpoint(sequence=sequence, hash=reached, created_at=NOW, signed=signed)


class CheckpointSignerContract(Contract):
    """Fixtures: `signer`, `again` with the same secret, `other` with another one."""

    def test_a_signature_is_known_again_by_who_has_the_same_secret(
        self, signer: CheckpointSigner, again: CheckpointSigner
    ) -> None:
        signed = a_signed_checkpoint(signer)
        assert again.is_genuine(message_of(signed), signed.signed, NOBODY)

    def test_a_signature_of_another_secret_is_none_unless_its_key_is_trusted(
        self, signer: CheckpointSigner, other: CheckpointSigner
    ) -> None:
        signed = a_signed_checkpoint(signer)
        assert not other.is_genuine(message_of(signed), signed.signed, NOBODY)
        assert other.is_genuine(message_of(signed), signed.signed, frozenset({signed.signed.public_key}))

    def test_what_was_signed_cannot_be_changed(self, signer: CheckpointSigner) -> None:
        one, two = a_signed_checkpoint(signer, 1), a_signed_checkpoint(signer, 2)
        assert not signer.is_genuine(message_of(two), one.signed, NOBODY)
        assert not signer.is_genuine(message_of(one), replace(one.signed, signature=b"x"), NOBODY)
        assert not signer.is_genuine(message_of(one), replace(one.signed, public_key=b"x"), frozenset({b"x"}))


class CheckpointShipperContract(Contract):
    """Fixtures: `shipper`, `arrived` that tells what it took, `signer`."""

    async def test_what_is_shipped_arrives_in_its_order(
        self, shipper: CheckpointShipper, arrived: Callable[[], Sequence[Checkpoint]], signer: CheckpointSigner
    ) -> None:
        first, second, third = (a_signed_checkpoint(signer, number) for number in (1, 2, 3))
        assert shipper.is_on
        await shipper.ship([first, second])
        await shipper.ship([third])
        assert tuple(arrived()) == (first, second, third)
