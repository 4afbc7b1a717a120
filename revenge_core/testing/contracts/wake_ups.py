"""What all wake-ups owe."""

from contextlib import AsyncExitStack

from revenge_core.background import Queue
from revenge_core.jobs.entities import Signal, SignalKind
from revenge_core.jobs.ports import WakeUps
from revenge_core.testing.contracts.errands import heard_until
from revenge_core.testing.contracts.world import Contract

CANCEL = Signal(kind=SignalKind.CANCEL, key="9007199254740993")


class WakeUpsContract(Contract):
    """Fixture: `wake_ups`, started."""

    async def test_every_kind_of_signal_is_heard(self, wake_ups: WakeUps) -> None:
        signals = {Signal(kind=SignalKind.AVAILABLE, key=queue) for queue in Queue} | {
            Signal(kind=SignalKind.SCHEDULED),
            CANCEL,
        }
        async with wake_ups.listen() as heard:
            for signal in signals:
                wake_ups.send([signal])
                await heard_until(signal, heard)

    async def test_signals_that_are_sent_together_are_all_heard(self, wake_ups: WakeUps) -> None:
        signals = [Signal(kind=SignalKind.CANCEL, key=str(number)) for number in range(300)]
        async with wake_ups.listen() as stream:
            wake_ups.send(signals)
            missing = set(signals)
            while missing:
                missing -= await heard_until(next(iter(missing)), stream)

    async def test_everybody_who_listens_hears_it(self, wake_ups: WakeUps) -> None:
        async with AsyncExitStack() as stack:
            streams = [await stack.enter_async_context(wake_ups.listen()) for _ in range(3)]
            wake_ups.send([CANCEL])
            for stream in streams:
                await heard_until(CANCEL, stream)

    async def test_who_stopped_listening_disturbs_nobody(self, wake_ups: WakeUps) -> None:
        async with wake_ups.listen() as stays:
            async with wake_ups.listen():
                pass
            wake_ups.send([CANCEL])
            await heard_until(CANCEL, stays)

    async def test_sending_to_nobody_is_no_error(self, wake_ups: WakeUps) -> None:
        wake_ups.send([CANCEL])
        wake_ups.send([])
        async with wake_ups.listen() as stream:
            wake_ups.send(iter([CANCEL]))
            await heard_until(CANCEL, stream)
