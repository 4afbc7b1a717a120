"""The parts of the machine of jobs: the world, the model beside it, and what many of its rules do."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Final, TypeVar

from hypothesis.stateful import RuleBasedStateMachine
from msgspec.structs import replace

from revenge_core.background import FINISHED, Enqueued, JobState, Planned
from revenge_core.jobs.entities import BulkItem, Claimed, ItemResult, JobFilter, JobSummary
from revenge_core.jobs.policy import finish_of
from revenge_core.testing.builders import a_worker
from revenge_core.testing.contracts.errands import Mishap
from revenge_core.testing.contracts.world import World
from revenge_core.testing.jobs_model import RULES, STEP, Model, Task
from revenge_core.testing.jobs_plans import ENDS, RETRY, Plan
from revenge_core.tx import EveryTx

T = TypeVar("T")

TOLERANCE: Final = timedelta(minutes=5)
"""A store whose clock runs by itself is this much off at most."""


class JobsGame(RuleBasedStateMachine):
    """Everything but the rules of the game."""

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._opened = self.open_world()
        self._world = self._runner.run(self._opened.__aenter__())
        self._model = Model()
        self._runs: list[Claimed] = []
        self._ids: list[int] = []
        self._plans: list[Plan] = []

    def open_world(self) -> AbstractAsyncContextManager[World]:
        """A new and empty world."""
        raise NotImplementedError

    def teardown(self) -> None:
        """Look at every job once more, and close the world."""
        try:
            self._runner.run(self._every_job_has_as_many_errors_as_it_should())
        finally:
            self._runner.run(self._closed())
            self._runner.close()

    async def _closed(self) -> None:
        await self._opened.__aexit__(None, None, None)

    async def _every_job_has_as_many_errors_as_it_should(self) -> None:
        for task in self._model.tasks.values():
            found = await self._world.job_reader.by_id(task.id, args=False)
            assert found is not None
            assert len(found.errors) == task.errors
            assert (found.finalized_at is None) == (found.state not in FINISHED)

    def _in_transaction(self, act: Callable[[EveryTx], Coroutine[object, object, T]], *, commits: bool) -> T:
        """Do it in a transaction of its own, and in the model; both forget it where it does not commit."""
        before = self._model.copy()

        async def run() -> T:
            done: list[T] = []
            try:
                async with self._world.uow.begin() as tx:
                    done.append(await act(tx))
                    if not commits:
                        raise Mishap
            except Mishap:
                self._model = before
            return done[0]

        return self._runner.run(run())

    def _run(self, pick: int) -> Claimed:
        """A run that has its job, mostly; or any that ever was."""
        living = [run for run in self._runs if self._model.run_of(run.key) is not None]
        chosen = living if living and pick % 4 else self._runs
        return chosen[-1 - pick % len(chosen)]

    def _id(self, pick: int) -> int:
        """Any job that ever was, the latest more often."""
        return self._ids[-1 - pick % min(len(self._ids), 12)]

    async def _enqueue_alone(self, plan: Plan) -> Enqueued:
        async with self._world.uow.begin() as tx:
            (enqueued,) = await tx.jobs.enqueue_many([await self._planned(plan)])
            for _ in range(5):
                await asyncio.sleep(0)
            return enqueued

    async def _enqueue(self, tx: EveryTx, planned: list[Plan]) -> list[int]:
        enqueued = await tx.jobs.enqueue_many([await self._planned(plan) for plan in planned])
        for plan, one in zip(planned, enqueued, strict=True):
            self._added(plan, one)
        return [one.id for one in enqueued]

    async def _planned(self, plan: Plan) -> Planned:
        at = await self._world.now() + timedelta(minutes=plan.steps * STEP) if plan.steps else None
        special = Planned(job=plan.job, at=at, queue=plan.queue, priority=plan.priority)
        return replace(special, max_attempts=plan.max_attempts)

    def _added(self, plan: Plan, enqueued: Enqueued) -> None:
        there = self._model.in_place_of(plan.key)
        assert enqueued.duplicate == (there is not None), "a job was added beside its equal, or left out without one"
        if there is not None:
            assert enqueued.id == there.id
            return
        assert enqueued.id not in self._model.tasks, "two jobs have one id"
        self._plans.append(plan)
        self._model.tasks[enqueued.id] = Task(
            id=enqueued.id,
            queue=plan.queue.value,
            priority=plan.priority,
            max_attempts=plan.max_attempts,
            due=self._model.now + max(plan.steps, 0) * STEP,
            state=JobState.SCHEDULED if plan.steps > 0 else JobState.AVAILABLE,
            key=plan.key,
            keeps_out=plan.keeps_out,
        )

    def _handed_out(self, worker: str, claimed: Sequence[Claimed]) -> None:
        for one in claimed:
            task = self._model.hand_out(one.id, worker)
            assert (one.run, one.attempt, one.max_attempts) == (task.run, task.attempt, task.max_attempts)
        self._runs += claimed

    def _promote(self) -> None:
        promoted = self._runner.run(self._world.job_upkeep.promote())
        queues, next_in = self._model.promote()
        assert set(promoted.queues) == queues
        assert (promoted.next_in is None) == (next_in is None)
        if next_in is not None and promoted.next_in is not None:
            assert timedelta(minutes=next_in) - TOLERANCE < promoted.next_in <= timedelta(minutes=next_in)

    def _rescue(self) -> None:
        assert set(self._runner.run(self._world.job_upkeep.rescue(RULES))) == self._model.rescue()

    def _beat(self, worker: str) -> None:
        known = self._runner.run(self._world.job_store.beat(worker))
        assert known == (worker in self._model.leases)
        self._enlist(worker)

    def _finish(self, together: Sequence[tuple[Claimed, str]]) -> None:
        by_run = {run.key: finish_of(run, RETRY, ENDS[end], chance=0.5) for run, end in together}
        counted = self._runner.run(self._world.job_store.finish(list(by_run.values())))
        assert counted == frozenset(finish.key for finish in by_run.values() if self._model.finish(finish))

    def _check(self, item: BulkItem, job_id: int, *, done: bool) -> None:
        there = job_id in self._model.tasks
        expected = ItemResult.NOT_FOUND if not there else ItemResult.DONE if done else ItemResult.REFUSED
        assert (item.id, item.result) == (job_id, expected)

    def _enlist(self, worker: str) -> None:
        self._runner.run(self._world.job_store.enlist(a_worker(worker)))
        self._model.enlist(worker)

    async def _seen(self) -> dict[int, tuple[object, ...]]:
        listed = await self._world.job_reader.newest(JobFilter(), limit=100_000, before=None)
        return {job.id: _seen(job) for job in listed}


def _seen(job: JobSummary) -> tuple[object, ...]:
    """What administrators see of a job, in the words of `Task.seen`."""
    cancelling = job.state is JobState.RUNNING and job.cancel_requested_at is not None
    return (job.state, job.queue, job.priority, job.attempt, job.max_attempts, job.attempted_by, cancelling)


async def waited_for(awaitable: Awaitable[None]) -> None:
    """What the runner of an event loop takes."""
    await awaitable


async def a_little_later(coroutine: Coroutine[object, object, T]) -> T:
    """Where others run in this loop, they get ahead."""
    for _ in range(3):
        await asyncio.sleep(0)
    return await coroutine
