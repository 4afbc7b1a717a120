"""A process that runs jobs."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, nullcontext
from typing import Final

from taskiq import TaskiqMiddleware

from revenge_adapters.taskiq.broker import JobBroker
from revenge_adapters.taskiq.receiver import JobReceiver
from revenge_adapters.taskiq.shift import Shift

RETRY_SECONDS: Final = 1.0

_log = logging.getLogger("revenge.jobs")


class Worker:
    """Lets Taskiq run the jobs of a shift. `middlewares` are Taskiq's own, such as those for traces."""

    def __init__(self, shift: Shift, middlewares: Sequence[TaskiqMiddleware] = ()) -> None:
        self._shift = shift
        self._middlewares = middlewares

    async def run(self, until: asyncio.Event) -> None:
        """Run jobs until told to stop; then those that run may end, or are interrupted after the stop's timeout.

        Cancelled, it interrupts them at once. Either way what ended is stored and the rest is given back.

        Raises:
            DatabaseUnavailable: at the start only.
        """
        broker = JobBroker(lambda _works: nullcontext(self._shift))
        broker.is_worker_process = True
        broker.add_middlewares(*self._middlewares)
        receiver = JobReceiver(broker)
        try:
            await receiver.listen(until)
        finally:
            await broker.shutdown()

    @asynccontextmanager
    async def running(self, until: asyncio.Event | None = None) -> AsyncGenerator["Worker"]:
        """Run jobs beside the block. On a clean exit they may end; on an exception they are interrupted at once.

        `until` makes it claim no more before the block ends, so that others can stop at the same time.

        Raises:
            DatabaseUnavailable: the worker cannot be announced.
        """
        until = until or asyncio.Event()
        running = asyncio.create_task(self._run_for_ever(until), name="revenge worker")
        try:
            await self._begun(running)
            yield self
            until.set()
            await running
        finally:
            running.cancel()
            await asyncio.wait([running])

    async def _begun(self, running: "asyncio.Task[None]") -> None:
        begun = asyncio.create_task(self._shift.on_duty_now.wait())
        try:
            await asyncio.wait([begun, running], return_when=asyncio.FIRST_COMPLETED)
        finally:
            begun.cancel()
        if running.done():
            running.result()

    async def _run_for_ever(self, until: asyncio.Event) -> None:
        while True:
            try:
                await self.run(until)
            except Exception:
                if not self._shift.on_duty_now.is_set() or until.is_set():
                    raise
                _log.exception("the worker failed; it begins anew")
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return
