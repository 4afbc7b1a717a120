"""A machine that plays with the job queue, and compares what happens with a model.

Jobs are enqueued, also unique ones and for later, in transactions that commit or do not; workers claim, end runs in
every way, die and come back late; somebody cancels, tries again, deletes, pauses; time passes, leases run out. To run
it on adapters of your own:

    class OurMachine(JobsMachine):
        def open_world(self) -> AbstractAsyncContextManager[World]: ...

    TestOurMachine = OurMachine.TestCase

What is proven: a job is in one state, and in the right one; a finished job never changes, unless an administrator tries
it again; no two living runs of one job; no more attempts than allowed; of unique jobs one stands in the place; what was
rolled back never was; a run that lost its job changes nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Final, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)
from msgspec.structs import replace

from revenge_core.background import (
    FINISHED,
    Enqueued,
    ItemOutcome,
    ItemStatus,
    JobState,
    Planned,
    Progress,
    Queue,
)
from revenge_core.jobs.entities import BulkItem, Claimed, ItemResult, JobFilter, JobSummary
from revenge_core.jobs.policy import finish_of
from revenge_core.testing.builders import a_worker
from revenge_core.testing.contracts.errands import Mishap
from revenge_core.testing.contracts.world import World
from revenge_core.testing.jobs_model import RULES, STEP, Model, Task, out_of_order
from revenge_core.testing.jobs_plans import ENDS, QUEUES, RETRY, WORKERS, Plan, ends, plans
from revenge_core.tx import EveryTx

T = TypeVar("T")

TOLERANCE: Final = timedelta(minutes=5)
"""A store whose clock runs by itself is this much off at most."""


class JobsMachine(RuleBasedStateMachine):
    """Subclasses say where it plays: `open_world`."""

    jobs: Bundle[int] = Bundle("jobs")
    runs: Bundle[Claimed] = Bundle("runs")

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._opened = self.open_world()
        self._world = self._runner.run(self._opened.__aenter__())
        self._model = Model()

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

    @initialize()
    def workers_come(self) -> None:
        for worker in WORKERS:
            self._enlist(worker)

    # Enqueuing

    @rule(target=jobs, planned=st.lists(plans, min_size=1, max_size=3), commits=st.sampled_from((True, True, False)))
    def enqueue(self, planned: list[Plan], *, commits: bool) -> MultipleResults[int]:
        ids = self._in_transaction(lambda tx: self._enqueue(tx, planned), commits=commits)
        return multiple(*(ids if commits else []))

    @rule(target=jobs, plan=plans)
    def enqueue_at_once(self, plan: Plan) -> MultipleResults[int]:
        async def enqueue() -> Enqueued:
            async with self._world.uow.begin() as tx:
                return (await tx.jobs.enqueue_many([await self._planned(plan)]))[0]

        async def all_at_once() -> list[Enqueued]:
            return await asyncio.gather(*(enqueue() for _ in range(3)))

        enqueued = sorted(self._runner.run(all_at_once()), key=lambda one: (one.duplicate, one.id))
        for one in enqueued:
            self._added(plan, one)
        return multiple(*{one.id for one in enqueued})

    # What workers do

    @rule(
        target=runs, worker=st.sampled_from(WORKERS), slots=st.dictionaries(st.sampled_from(QUEUES), st.integers(0, 3))
    )
    def claim(self, worker: str, slots: dict[Queue, int]) -> MultipleResults[Claimed]:
        if worker not in self._model.leases:
            return multiple()
        free = {queue.value: count for queue, count in slots.items()}
        claimed = self._runner.run(self._world.job_store.claim(worker, free))
        for queue, count in free.items():
            there = self._model.available(queue)
            chosen = [self._model.tasks[one.id] for one in claimed if one.queue == queue]
            assert len(chosen) == min(count, len(there)), f"{len(chosen)} of {len(there)} jobs were handed out"
            left = [task for task in there if task not in chosen]
            assert not out_of_order(chosen, left), "jobs were handed out in the wrong order"
        return multiple(*self._handed_out(worker, claimed))

    @rule(target=runs, slots=st.integers(1, 3))
    def claim_at_once(self, slots: int) -> MultipleResults[Claimed]:
        workers = [worker for worker in WORKERS if worker in self._model.leases]
        free = {queue.value: slots for queue in QUEUES}

        async def all_at_once() -> Sequence[tuple[Claimed, ...]]:
            return await asyncio.gather(*(self._world.job_store.claim(worker, free) for worker in workers))

        answers = self._runner.run(all_at_once())
        handed_out = [self._handed_out(worker, got) for worker, got in zip(workers, answers, strict=True)]
        return multiple(*(one for got in handed_out for one in got))

    @rule(run=runs, end=ends)
    def finish(self, run: Claimed, end: str) -> None:
        self._finish([(run, end)])

    @rule(together=st.lists(st.tuples(runs, ends), min_size=2, max_size=4, unique_by=lambda one: one[0].key))
    def finish_together(self, together: list[tuple[Claimed, str]]) -> None:
        self._finish(together)

    @rule(run=runs, first=ends, second=ends)
    def finish_at_once(self, run: Claimed, first: str, second: str) -> None:
        finishes = [finish_of(run, RETRY, ENDS[end], chance=0.5) for end in (first, second)]

        async def all_at_once() -> Sequence[bool]:
            answers = await asyncio.gather(*(self._world.job_store.finish([finish]) for finish in finishes))
            return [run.key in answer for answer in answers]

        counted = self._runner.run(all_at_once())
        lives = self._model.run_of(run.key) is not None
        assert sum(counted) == lives, (
            f"{counted} of two ends counted, though the run {'was' if lives else 'was not'} there"
        )
        for finish, did in zip(finishes, counted, strict=True):
            if did:
                assert self._model.finish(finish)

    @rule(target=jobs, run=runs, commits=st.sampled_from((True, True, False)), successor=st.none() | plans)
    def complete_in_a_transaction(self, run: Claimed, *, commits: bool, successor: Plan | None) -> MultipleResults[int]:
        async def complete(tx: EveryTx) -> list[int]:
            task = self._model.run_of(run.key)
            assert await tx.jobs.complete(run.id, run.run) == (task is not None), "a stale run completed its job"
            if task is not None:
                task.state, task.finished = JobState.COMPLETED, self._model.now
            return [] if successor is None else await self._enqueue(tx, [successor])

        ids = self._in_transaction(complete, commits=commits)
        return multiple(*(ids if commits else []))

    @rule(run=runs, current=st.integers(1, 5))
    def report(self, run: Claimed, current: int) -> None:
        items = [ItemOutcome(item="loaf", status=ItemStatus.DONE)]
        counted = self._runner.run(self._world.job_store.report(run.key, Progress(current=current), items))
        assert counted == (self._model.run_of(run.key) is not None), "a stale run reported progress"

    @rule(worker=st.sampled_from(WORKERS))
    def leave(self, worker: str) -> None:
        assert self._runner.run(self._world.job_store.leave(worker)) == self._model.leave(worker)

    @rule(worker=st.sampled_from(WORKERS))
    def beat(self, worker: str) -> None:
        known = self._runner.run(self._world.job_store.beat(worker))
        assert known == (worker in self._model.leases)
        self._enlist(worker)

    @rule(worker=st.sampled_from(WORKERS))
    def ask_what_to_cancel(self, worker: str) -> None:
        asked = self._runner.run(self._world.job_store.cancel_requests(worker))
        unwanted = {(task.id, task.run) for task in self._model.held_by(worker) if not task.wanted}
        assert {(key.id, key.run) for key in asked} == unwanted

    @rule(worker=st.sampled_from(WORKERS), known=st.lists(runs, max_size=3))
    def give_back_unknown(self, worker: str, known: list[Claimed]) -> None:
        keys = {run.key for run in known}
        unknown = [
            task
            for task in self._model.held_by(worker)
            if (task.id, task.run) not in {(key.id, key.run) for key in keys} and task.attempted < self._model.now
        ]
        given_back = self._runner.run(self._world.job_store.give_back_unknown(worker, list(keys)))
        assert given_back == self._model.give_back(unknown)

    # What people do

    @rule(job_id=jobs, commits=st.sampled_from((True, True, False)))
    def cancel(self, job_id: int, *, commits: bool) -> None:
        async def cancel(tx: EveryTx) -> None:
            assert await tx.jobs.cancel(job_id) == self._model.cancel(job_id)

        self._in_transaction(cancel, commits=commits)

    @rule(job_id=jobs, commits=st.sampled_from((True, True, False)))
    def try_again(self, job_id: int, *, commits: bool) -> None:
        async def retry(tx: EveryTx) -> None:
            task = self._model.tasks.get(job_id)
            if task is None or task.state is not JobState.AVAILABLE:
                (item,) = await tx.job_admin.retry([job_id], states=list(JobState))
                self._check(item, job_id, done=task is not None and self._model.retry(job_id))

        self._in_transaction(retry, commits=commits)

    @rule(job_id=jobs, commits=st.sampled_from((True, False, False)))
    def delete(self, job_id: int, *, commits: bool) -> None:
        async def delete(tx: EveryTx) -> None:
            task = self._model.tasks.get(job_id)
            may_go = task is not None and task.state is not JobState.RUNNING
            (item,) = await tx.job_admin.delete([job_id], states=list(JobState))
            self._check(item, job_id, done=may_go)
            if may_go:
                del self._model.tasks[job_id]

        self._in_transaction(delete, commits=commits)

    @rule(queue=st.sampled_from(QUEUES), paused=st.sampled_from((True, False, False)))
    def pause_or_resume(self, queue: Queue, *, paused: bool) -> None:
        async def pause(tx: EveryTx) -> None:
            changed = await tx.job_admin.pause_queue(queue.value, paused=paused)
            assert changed == ((queue.value in self._model.paused) != paused)

        self._in_transaction(pause, commits=True)
        self._model.paused.discard(queue.value)
        self._model.paused |= {queue.value} if paused else set()

    # What happens by itself

    @rule(steps=st.sampled_from((1, 1, 2, 7)))
    def time_passes(self, steps: int) -> None:
        self._runner.run(_waited_for(self._world.pass_time(steps * STEP * 60)))
        self._model.now += steps * STEP

    @rule()
    def promote(self) -> None:
        promoted = self._runner.run(self._world.job_upkeep.promote())
        queues, next_in = self._model.promote()
        assert set(promoted.queues) == queues
        assert (promoted.next_in is None) == (next_in is None)
        if next_in is not None and promoted.next_in is not None:
            assert timedelta(minutes=next_in) - TOLERANCE < promoted.next_in <= timedelta(minutes=next_in)

    @rule()
    def rescue(self) -> None:
        assert set(self._runner.run(self._world.job_upkeep.rescue(RULES))) == self._model.rescue()

    @rule()
    def the_store_loses_its_leases(self) -> None:
        self._runner.run(_waited_for(self._world.lose_leases()))
        self._model.leases, self._model.leases_since = {}, None

    @rule(limit=st.sampled_from((1, 2, 1000)))
    def clean(self, limit: int) -> None:
        old = self._model.old()
        assert self._runner.run(self._world.job_upkeep.clean(RULES, limit=limit)) == min(limit, len(old))
        there = set(self._runner.run(self._seen()))
        gone = [task for task in old if task.id not in there]
        assert all(one.finished <= other.finished for one in gone for other in old if other not in gone)
        for task in gone:
            del self._model.tasks[task.id]

    # What must always hold

    @invariant()
    def everybody_sees_what_the_model_says(self) -> None:
        assert self._runner.run(self._seen()) == {task.id: task.seen for task in self._model.tasks.values()}

    @precondition(lambda self: bool(self._model.tasks))
    @invariant()
    def no_job_had_more_attempts_than_allowed_and_unique_ones_are_alone(self) -> None:
        for task in self._model.tasks.values():
            assert 0 <= task.attempt <= task.max_attempts
            self._model.in_place_of(task.key)

    async def _every_job_has_as_many_errors_as_it_should(self) -> None:
        for task in self._model.tasks.values():
            found = await self._world.job_reader.by_id(task.id, args=False)
            assert found is not None
            assert len(found.errors) == task.errors
            assert (found.finalized_at is None) == (found.state not in FINISHED)

    # Parts

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
        assert enqueued.duplicate == (there is not None), (
            "a unique job was added twice, or one that is not was left out"
        )
        if there is not None:
            assert enqueued.id == there.id
            return
        assert enqueued.id not in self._model.tasks, "two jobs have one id"
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

    def _handed_out(self, worker: str, claimed: Sequence[Claimed]) -> Sequence[Claimed]:
        for one in claimed:
            task = self._model.hand_out(one.id, worker)
            assert (one.run, one.attempt, one.max_attempts) == (task.run, task.attempt, task.max_attempts)
        return claimed

    def _finish(self, together: list[tuple[Claimed, str]]) -> None:
        finishes = [finish_of(run, RETRY, ENDS[end], chance=0.5) for run, end in together]
        counted = self._runner.run(self._world.job_store.finish(finishes))
        assert counted == frozenset(finish.key for finish in finishes if self._model.finish(finish))

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


async def _waited_for(awaitable: Awaitable[None]) -> None:
    await awaitable
