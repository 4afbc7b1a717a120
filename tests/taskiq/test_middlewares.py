"""Somebody else's middlewares, which may fail: no job is lost, no place is lost, and nothing is done twice for it."""

import asyncio
from typing import Any

import pytest
from taskiq import BrokerMessage, TaskiqFormatter, TaskiqMessage, TaskiqMiddleware, TaskiqResult
from typing_extensions import override

from revenge_adapters.taskiq.broker import JobBroker
from revenge_core.background import Job, JobContext, JobState, Queue
from tests.taskiq.yard import Errand, Yard, nothing, raising, workers_of

JOBS = 12
PLACES = 2


class Before(TaskiqMiddleware):
    @override
    def pre_execute(self, message: TaskiqMessage) -> TaskiqMessage:
        raise LookupError("the middleware's own")


class After(TaskiqMiddleware):
    @override
    async def post_execute(self, message: TaskiqMessage, result: TaskiqResult[Any]) -> None:
        await asyncio.sleep(0)
        raise LookupError("the middleware's own")


class OnError(TaskiqMiddleware):
    @override
    def on_error(self, message: TaskiqMessage, result: TaskiqResult[Any], exception: BaseException) -> None:
        raise LookupError("the middleware's own")


class Saved(TaskiqMiddleware):
    @override
    def post_save(self, message: TaskiqMessage, result: TaskiqResult[Any]) -> None:
        raise LookupError("the middleware's own")


async def test_a_job_that_a_middleware_keeps_from_beginning_is_tried_again(yard: Yard) -> None:
    yard.handlers.add(Errand, nothing)
    async with yard.working(yard.shift(workers_of(Queue.DEFAULT, PLACES)), Before()):
        (job_id, *_) = await yard.enqueue(*[Errand()] * JOBS)
        await yard.counted(JobState.RETRYABLE, JOBS)
        assert (await yard.find(job_id)).errors[0]["error"] == "LookupError: the middleware's own"


@pytest.mark.parametrize("middleware", [After(), OnError(), Saved()])
async def test_a_job_that_was_done_stays_done_whatever_middlewares_do(yard: Yard, middleware: TaskiqMiddleware) -> None:
    runs: list[int] = []

    async def handler(_job: Job, ctx: JobContext) -> None:
        runs.append(ctx.id)

    yard.handlers.add(Errand, handler)
    async with yard.working(yard.shift(workers_of(Queue.DEFAULT, PLACES)), middleware):
        ids = await yard.enqueue(*[Errand()] * JOBS)
        await yard.counted(JobState.COMPLETED, JOBS)
    assert sorted(runs) == ids


@pytest.mark.parametrize("middleware", [After(), OnError(), Saved()])
async def test_a_failed_job_keeps_its_own_error_whatever_middlewares_do(
    yard: Yard, middleware: TaskiqMiddleware
) -> None:
    yard.handlers.add(Errand, raising(ConnectionError("closed")))
    async with yard.working(yard.shift(workers_of(Queue.DEFAULT, PLACES)), middleware):
        (job_id, *_) = await yard.enqueue(*[Errand()] * JOBS)
        await yard.counted(JobState.RETRYABLE, JOBS)
        assert (await yard.find(job_id)).errors[0]["error"] == "ConnectionError: closed"


async def test_a_middleware_sees_the_job_and_none_of_its_arguments(yard: Yard) -> None:
    seen: list[TaskiqMessage] = []

    class Looking(TaskiqMiddleware):
        @override
        def pre_execute(self, message: TaskiqMessage) -> TaskiqMessage:
            seen.append(message)
            return message

    yard.handlers.add(Errand, nothing)
    async with yard.working(None, Looking()):
        (job_id,) = await yard.enqueue(Errand(what="open sesame"))
        await yard.found_in(job_id, JobState.COMPLETED)
    (message,) = seen
    assert (message.task_name, message.task_id) == ("errand", f"{job_id}:1")
    assert message.labels == {"attempt": 1, "queue": "default"}
    assert "sesame" not in repr(message)


async def test_a_formatter_that_fails_costs_no_job_and_no_place(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    class Illegible(TaskiqFormatter):
        @override
        def loads(self, message: bytes) -> TaskiqMessage:
            raise ValueError("illegible")

        @override
        def dumps(self, message: TaskiqMessage) -> BrokerMessage:
            raise ValueError("illegible")

    async def startup(self: JobBroker) -> None:
        await usual(self)
        self.formatter = Illegible()

    usual = JobBroker.startup
    monkeypatch.setattr(JobBroker, "startup", startup)
    yard.handlers.add(Errand, nothing)
    async with yard.working(yard.shift(workers_of(Queue.DEFAULT, PLACES))):
        (job_id, *_) = await yard.enqueue(*[Errand()] * JOBS)
        await yard.counted(JobState.RETRYABLE, JOBS)
        assert (await yard.find(job_id)).errors[0]["error"].startswith("NeverRan")
