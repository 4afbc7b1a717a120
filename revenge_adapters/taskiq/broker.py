"""The broker that Taskiq sees: what its workers listen to, and where `.kiq()` puts jobs."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

import msgspec
from taskiq import BrokerMessage, TaskiqFormatter, TaskiqMessage
from taskiq.abc.broker import AsyncBroker
from typing_extensions import override

from revenge_adapters.taskiq.held import Held, current_job
from revenge_adapters.taskiq.lifecycle import JobLifecycle
from revenge_adapters.taskiq.quiet import be_quiet
from revenge_adapters.taskiq.shift import Shift
from revenge_core.background import Job, Planned, Queue
from revenge_core.jobs.errors import JobKindUnknown, JobRefused
from revenge_core.secrets import Secret

OpenShift: TypeAlias = Callable[[bool], AbstractAsyncContextManager[Shift]]
"""Opens what jobs need to run (True), or only to be enqueued."""

UNKNOWN: Final = "unknown kind"
"""The task of kinds that nobody here runs; no kind can be called so."""
TRACEPARENT: Final = "traceparent"


class JobBroker(AsyncBroker):
    """Jobs as Taskiq's messages, which hold the job's number and nothing of its arguments.

    Nothing happens before `startup`: that opens a shift, and goes on duty where Taskiq says that this process works.
    """

    def __init__(self, open_shift: OpenShift) -> None:
        super().__init__()
        be_quiet()
        self.formatter = JobFormatter(self)
        self._open_shift = open_shift
        self._stack = AsyncExitStack()
        self._shift: Shift | None = None

    @property
    def shift(self) -> Shift:
        """What it stands on."""
        if self._shift is None:
            message = "the broker is not started: `await broker.startup()` first"
            raise RuntimeError(message)
        return self._shift

    @override
    async def startup(self) -> None:
        try:
            self._shift = shift = await self._stack.enter_async_context(self._open_shift(self.is_worker_process))
            for kind in (*shift.handlers.kinds, UNKNOWN):
                self.register_task(_run_job, task_name=kind)
            self._add_first(JobLifecycle(shift))
            if self.is_worker_process:
                await self._stack.enter_async_context(shift.on_duty())
            await super().startup()
        except BaseException:
            await self._close()
            raise

    def _add_first(self, lifecycle: JobLifecycle) -> None:
        """The first to see that a job begins is the last to see how it ended."""
        lifecycle.set_broker(self)
        self.middlewares.insert(0, lifecycle)

    @override
    async def shutdown(self) -> None:
        try:
            await super().shutdown()
        finally:
            await self._close()

    async def _close(self) -> None:
        stack, self._stack = self._stack, AsyncExitStack()
        await stack.aclose()
        self._shift = None
        self.middlewares = [one for one in self.middlewares if not isinstance(one, JobLifecycle)]

    @override
    async def listen(self) -> AsyncGenerator[bytes, None]:
        jobs = self.shift.claims.jobs()
        try:
            async for held in jobs:
                yield held.token.encode()
        finally:
            await jobs.aclose()

    @override
    async def kick(self, message: BrokerMessage) -> None:
        """Enqueue in a transaction of its own; use cases enqueue in theirs instead. The task's id is the job's."""
        if not isinstance(message, JobMessage):
            message_ = "only messages of this broker's formatter can be enqueued"
            raise TypeError(message_)
        message.origin.task_id = str(await self.shift.enqueue(message.planned))

    def held(self, message: bytes) -> Held | None:
        """The job that a message stands for, while it is not finished."""
        return self.shift.held.get(message.decode())


async def _run_job() -> None:
    await current_job.get().run()


class JobMessage(BrokerMessage):
    """A job on its way from `.kiq()` into the queue."""

    planned: Any
    origin: TaskiqMessage


class JobFormatter(TaskiqFormatter):
    """Between jobs and Taskiq's messages."""

    def __init__(self, broker: JobBroker) -> None:
        self._broker = broker

    @override
    def loads(self, message: bytes) -> TaskiqMessage:
        """The message for a claimed job. Not validated by pydantic: that took as long as all else together."""
        held = self._broker.held(message)
        if held is None:
            raise LookupError("the job is not held any more")
        claimed = held.claimed
        labels: dict[str, Any] = {"attempt": claimed.attempt, "queue": claimed.queue}
        if TRACEPARENT in claimed.metadata:
            labels[TRACEPARENT] = claimed.metadata[TRACEPARENT]
        known = claimed.kind in self._broker.local_task_registry
        return TaskiqMessage.model_construct(
            task_id=held.token,
            task_name=claimed.kind if known else UNKNOWN,
            labels=labels,
            labels_types=None,
            args=[],
            kwargs={},
        )

    @override
    def dumps(self, message: TaskiqMessage) -> BrokerMessage:
        """The job that `.kiq()` was called for: with a payload, or with its fields by name.

        Raises:
            JobKindUnknown: nobody here runs it.
            JobRefused: the fields or the labels do not fit.
        """
        kind = self._broker.shift.handlers.kinds.get(message.task_name)
        if kind is None:
            raise JobKindUnknown(f"Jobs of kind {message.task_name!r} cannot be enqueued: nobody here runs them")
        return JobMessage.model_construct(
            task_id=message.task_id,
            task_name=message.task_name,
            message=b"",
            labels=message.labels,
            planned=_planned(_payload(kind, message), message),
            origin=message,
        )


def _payload(kind: type[Job], message: TaskiqMessage) -> Job:
    match message.args:
        case []:
            pass
        case [job] if isinstance(job, kind) and not message.kwargs:
            return job
        case _:
            raise JobRefused(f"Call `.kiq()` with one {kind.__name__}, or with its fields by name")
    try:
        return msgspec.convert(message.kwargs, kind, dec_hook=_secret)
    except msgspec.ValidationError as problem:
        raise JobRefused(f"These are not the fields of {kind.__name__}: {problem}") from None


def _secret(expected: type, value: object) -> object:
    if expected is Secret and isinstance(value, str):
        return Secret(value)
    raise NotImplementedError(f"a {expected.__name__} is to be there")


def _planned(job: Job, message: TaskiqMessage) -> Planned:
    """Labels that mean something to the queue; Taskiq's `delay` is in seconds."""
    message.parse_labels()
    labels = message.labels
    try:
        return Planned(
            job=job,
            at=datetime.now(UTC) + timedelta(seconds=float(labels["delay"])) if "delay" in labels else None,
            queue=Queue(labels["queue"]) if "queue" in labels else None,
            priority=labels.get("priority"),
            max_attempts=labels.get("max_attempts"),
            metadata={TRACEPARENT: labels[TRACEPARENT]} if TRACEPARENT in labels else {},
        )
    except ValueError as problem:
        raise JobRefused(f"A label of {job.spec.kind} cannot be used: {problem}") from None
