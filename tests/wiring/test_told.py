"""What signals say to a process that runs for long."""

import asyncio
import os
import signal

import pytest

from revenge_adapters.wiring.told import Told


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_the_first_signal_says_to_stop(number: signal.Signals) -> None:
    told = Told()

    async def work() -> None:
        told.started = True
        os.kill(os.getpid(), number)
        await told.to_stop.wait()

    async with asyncio.timeout(10):
        await told.obeyed_by(work())


async def test_a_closed_terminal_is_nothing_to_a_process_that_was_told_to_outlive_it() -> None:
    told = Told()

    async def work() -> None:
        told.started = True
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0.05)
        assert not told.to_stop.is_set()

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        async with asyncio.timeout(10):
            await told.obeyed_by(work())
    finally:
        signal.signal(signal.SIGHUP, before)
