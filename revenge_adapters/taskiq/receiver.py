"""Taskiq's receiver, with one promise more: a claimed job comes to exactly one end, whatever goes wrong around it."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

from taskiq import AckableMessage, TaskiqMessage, TaskiqResult
from taskiq.acks import AckController
from taskiq.receiver import Receiver
from typing_extensions import override

from revenge_adapters.taskiq.broker import JobBroker
from revenge_adapters.taskiq.held import NeverRan, current_job
from revenge_adapters.taskiq.shift import GRACE_SECONDS
from revenge_core.jobs.policy import Interrupted

UNLIMITED: Final = 1_000_000
"""Of jobs that are handed out, none waits: queues have limits, and nothing beyond them is claimed."""

_log = logging.getLogger("revenge.jobs")


class JobReceiver(Receiver):
    """Runs as many jobs at a time as the queues of the broker's shift allow.

    When told to finish it claims no more; running jobs have the shift's `stop_timeout` to end, then they are
    interrupted and given back.
    """

    def __init__(self, broker: JobBroker, **options: Any) -> None:  # noqa: ANN401 -- Taskiq's own
        given: dict[str, Any] = {**options, "validate_params": False, "max_async_tasks": UNLIMITED}
        super().__init__(broker, **given)
        self._jobs = broker

    @override
    async def listen(self, finish_event: asyncio.Event) -> None:
        if self.run_startup:
            await self.broker.startup()
            self.run_startup = False
        stop_timeout = self._jobs.shift.stop_timeout.total_seconds()
        self.wait_tasks_timeout = stop_timeout + GRACE_SECONDS
        stopping = asyncio.create_task(self._stop(finish_event, stop_timeout), name="revenge worker stop")
        try:
            await super().listen(finish_event)
        finally:
            stopping.cancel()

    async def _stop(self, finish_event: asyncio.Event, seconds: float) -> None:
        await finish_event.wait()
        await asyncio.sleep(seconds)
        self._jobs.shift.interrupt()

    @override
    async def callback(self, message: bytes | AckableMessage, raise_err: bool = False) -> None:
        """Run one job."""
        data = message.data if isinstance(message, AckableMessage) else message
        shift = self._jobs.shift
        held = shift.held.get(data.decode())
        if held is None:
            return
        current_job.set(held)
        problem: BaseException = NeverRan("Taskiq did not run it; the worker's log says why")
        try:
            await super().callback(message, raise_err)
        except asyncio.CancelledError:
            problem = Interrupted("the worker stopped")
            raise
        except Exception as error:  # noqa: BLE001 -- of a middleware that is not ours
            _log.exception("something around job %d (%s) failed", held.claimed.id, held.claimed.kind)
            problem = error
        finally:
            shift.settle(held, held.error if held.ended else problem)

    @override
    async def run_task(
        self, target: Callable[..., Any], message: TaskiqMessage, ack_controller: AckController | None = None
    ) -> TaskiqResult[Any]:
        """Run the handler. It takes no arguments and no dependencies from Taskiq, so there is nothing to prepare."""
        self.known_tasks.add(message.task_name)
        return await super().run_task(target, message, ack_controller)
