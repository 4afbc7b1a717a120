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
from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from revenge_core.background import Enqueued, ItemOutcome, ItemStatus, JobState, Progress, Queue
from revenge_core.jobs.entities import Claimed, JobKey
from revenge_core.jobs.policy import finish_of
from revenge_core.testing.jobs_game import JobsGame, a_little_later, waited_for
from revenge_core.testing.jobs_model import RULES, STEP, out_of_order
from revenge_core.testing.jobs_plans import ENDS, OIL, QUEUES, RETRY, WORKERS, Plan, ends, mostly, picks, plans, workers
from revenge_core.tx import EveryTx


class JobsMachine(JobsGame):
    """Subclasses say where it plays: `open_world`."""

    @initialize(planned=st.lists(plans, min_size=3, max_size=8))
    def the_bakery_opens(self, planned: list[Plan]) -> None:
        for worker in WORKERS:
            self._enlist(worker)
        self.enqueue(planned, commits=True)

    # Enqueuing

    @rule(planned=st.lists(plans, min_size=1, max_size=4), commits=mostly)
    def enqueue(self, planned: list[Plan], *, commits: bool) -> None:
        self._ids += self._in_transaction(lambda tx: self._enqueue(tx, planned), commits=commits)

    @precondition(lambda self: self._plans)
    @rule(pick=picks)
    def enqueue_the_same_again(self, pick: int) -> None:
        self.enqueue([self._plans[-1 - pick % min(len(self._plans), 12)]], commits=True)

    @rule(plan=plans)
    def enqueue_at_once(self, plan: Plan) -> None:
        async def all_at_once() -> list[Enqueued]:
            return await asyncio.gather(*(self._enqueue_alone(plan) for _ in range(3)))

        for one in sorted(self._runner.run(all_at_once()), key=lambda one: (one.duplicate, one.id)):
            self._added(plan, one)
            self._ids.append(one.id)

    # What workers do

    @rule(worker=workers, high=st.integers(0, 3), low=st.integers(0, 3))
    def claim(self, worker: str, high: int, low: int) -> None:
        if worker not in self._model.leases:
            self._enlist(worker)
        free = {"high": high, "low": low}
        claimed = self._runner.run(self._world.job_store.claim(worker, free))
        for queue, count in free.items():
            there = self._model.available(queue)
            chosen = [self._model.tasks[one.id] for one in claimed if one.queue == queue]
            assert len(chosen) == min(count, len(there)), f"{len(chosen)} of {len(there)} jobs were handed out"
            left = [task for task in there if task not in chosen]
            assert not out_of_order(chosen, left), "jobs were handed out in the wrong order"
        self._handed_out(worker, claimed)

    @rule(slots=st.integers(1, 3))
    def claim_at_once(self, slots: int) -> None:
        names = [worker for worker in WORKERS if worker in self._model.leases]
        free = {queue.value: slots for queue in QUEUES}

        async def all_at_once() -> Sequence[tuple[Claimed, ...]]:
            return await asyncio.gather(*(self._world.job_store.claim(worker, free) for worker in names))

        for worker, claimed in zip(names, self._runner.run(all_at_once()), strict=True):
            self._handed_out(worker, claimed)

    @precondition(lambda self: self._runs)
    @rule(together=st.lists(st.tuples(picks, ends), min_size=1, max_size=3))
    def finish(self, together: list[tuple[int, str]]) -> None:
        by_run = {
            self._run(pick).key: finish_of(self._run(pick), RETRY, ENDS[end], chance=0.5) for pick, end in together
        }
        counted = self._runner.run(self._world.job_store.finish(list(by_run.values())))
        assert counted == frozenset(finish.key for finish in by_run.values() if self._model.finish(finish))

    @precondition(lambda self: self._runs)
    @rule(pick=picks, first=ends, second=ends)
    def finish_at_once_beside_a_transaction(self, pick: int, first: str, second: str) -> None:
        run = self._run(pick)
        finishes = [finish_of(run, RETRY, ENDS[end], chance=0.5) for end in (first, second)]

        async def all_at_once() -> tuple[Enqueued, frozenset[JobKey], frozenset[JobKey]]:
            store, (one, other) = self._world.job_store, finishes
            both = (a_little_later(store.finish([one])), a_little_later(store.finish([other])))
            return await asyncio.gather(self._enqueue_alone(OIL), *both)

        enqueued, *counted = self._runner.run(all_at_once())
        self._added(OIL, enqueued)
        lives = self._model.run_of(run.key) is not None
        assert len([keys for keys in counted if keys]) == lives, "of a living run one end counts, of a stale one none"
        for finish, keys in zip(finishes, counted, strict=True):
            if keys:
                assert self._model.finish(finish)

    @precondition(lambda self: self._runs)
    @rule(pick=picks, commits=mostly, successors=st.lists(plans, max_size=1))
    def complete_in_a_transaction(self, pick: int, *, commits: bool, successors: list[Plan]) -> None:
        run = self._run(pick)

        async def complete(tx: EveryTx) -> list[int]:
            task = self._model.run_of(run.key)
            assert await tx.jobs.complete(run.id, run.run) == (task is not None), "a stale run completed its job"
            if task is not None:
                task.state, task.finished = JobState.COMPLETED, self._model.now
            return await self._enqueue(tx, successors)

        self._ids += self._in_transaction(complete, commits=commits)

    @precondition(lambda self: self._runs)
    @rule(pick=picks, current=st.integers(1, 5))
    def report(self, pick: int, current: int) -> None:
        run = self._run(pick)
        items = [ItemOutcome(item="loaf", status=ItemStatus.DONE)]
        counted = self._runner.run(self._world.job_store.report(run.key, Progress(current=current), items))
        assert counted == (self._model.run_of(run.key) is not None), "a stale run reported progress"

    @rule(worker=workers)
    def leave(self, worker: str) -> None:
        assert self._runner.run(self._world.job_store.leave(worker)) == self._model.leave(worker)

    @rule(worker=workers, failures=st.sampled_from((0, 0, 2)), losses=st.integers(1, 3))
    def a_worker_dies(self, worker: str, failures: int, losses: int) -> None:
        for _ in range(failures):
            self.claim(worker, 2, 1)
            held = {task.id for task in self._model.held_by(worker)}
            self._finish([(run, "failure, again at once") for run in self._runs if run.id in held])
        for _ in range(losses):
            self.claim(worker, 2, 1)
            self.time_passes(1, then_promote=False)
            for other in WORKERS:
                if other != worker:
                    self._beat(other)
            self.claim(worker, 1, 1)
            self.time_passes(1, then_promote=True)
            self._rescue()
            self._beat(worker)

    @rule()
    def jobs_take_long(self) -> None:
        for _ in range(7):
            self.time_passes(1, then_promote=False)
            for worker in WORKERS:
                self._beat(worker)
        self._rescue()

    @rule(worker=workers, knows=st.booleans())
    def give_back_unknown(self, worker: str, *, knows: bool) -> None:
        self.claim(worker, 1, 1)
        self.time_passes(1, then_promote=False)
        known = [run.key for run in self._runs] if knows else []
        unknown = [] if knows else self._model.held_by(worker)
        given_back = self._runner.run(self._world.job_store.give_back_unknown(worker, known))
        assert given_back == self._model.give_back(unknown)

    # What people do

    @precondition(lambda self: self._ids)
    @rule(pick=picks, commits=mostly)
    def cancel(self, pick: int, *, commits: bool) -> None:
        job_id = self._id(pick)

        async def cancel(tx: EveryTx) -> None:
            assert await tx.jobs.cancel(job_id) == self._model.cancel(job_id)

        self._in_transaction(cancel, commits=commits)
        self._ask_what_to_cancel()

    @precondition(lambda self: self._runs)
    @rule(pick=picks, end=ends)
    def cancel_what_runs(self, pick: int, end: str) -> None:
        run = self._run(pick)

        async def cancel(tx: EveryTx) -> None:
            assert await tx.jobs.cancel(run.id) == self._model.cancel(run.id)

        self._in_transaction(cancel, commits=True)
        self._ask_what_to_cancel()
        self._finish([(run, end)])

    def _ask_what_to_cancel(self) -> None:
        for worker in WORKERS:
            asked = self._runner.run(self._world.job_store.cancel_requests(worker))
            unwanted = {(task.id, task.run) for task in self._model.held_by(worker) if not task.wanted}
            assert {(key.id, key.run) for key in asked} == unwanted

    @precondition(lambda self: self._ids)
    @rule(pick=picks, commits=mostly)
    def try_again(self, pick: int, *, commits: bool) -> None:
        job_id = self._id(pick)

        async def retry(tx: EveryTx) -> None:
            task = self._model.tasks.get(job_id)
            if task is None or task.state is not JobState.AVAILABLE:
                (item,) = await tx.job_admin.retry([job_id], states=list(JobState))
                self._check(item, job_id, done=task is not None and self._model.retry(job_id))

        self._in_transaction(retry, commits=commits)

    @precondition(lambda self: self._ids)
    @rule(pick=picks, commits=mostly)
    def delete(self, pick: int, *, commits: bool) -> None:
        job_id = self._id(pick)

        async def delete(tx: EveryTx) -> None:
            task = self._model.tasks.get(job_id)
            may_go = task is not None and task.state is not JobState.RUNNING
            (item,) = await tx.job_admin.delete([job_id], states=list(JobState))
            self._check(item, job_id, done=may_go)
            if may_go:
                del self._model.tasks[job_id]

        self._in_transaction(delete, commits=commits)

    @rule(queue=st.sampled_from(QUEUES))
    def pause_or_resume(self, queue: Queue) -> None:
        paused = queue.value not in self._model.paused

        async def pause(tx: EveryTx) -> None:
            assert await tx.job_admin.pause_queue(queue.value, paused=paused)
            assert not await tx.job_admin.pause_queue(queue.value, paused=paused)

        self._in_transaction(pause, commits=True)
        self._model.paused ^= {queue.value}

    # What happens by itself

    @rule(steps=st.sampled_from((1, 1, 2, 7)), then_promote=mostly)
    def time_passes(self, steps: int, *, then_promote: bool) -> None:
        self._runner.run(waited_for(self._world.pass_time(steps * STEP * 60)))
        self._model.now += steps * STEP
        if then_promote:
            self._promote()

    @rule(worker=workers)
    def the_store_loses_its_leases(self, worker: str) -> None:
        self.claim(worker, 1, 1)
        for _ in range(2):
            self.time_passes(1, then_promote=False)
            self._beat(worker)
        self._runner.run(waited_for(self._world.lose_leases()))
        self._model.leases, self._model.leases_since = {}, None
        self._rescue()

    @rule(limit=st.sampled_from((1, 2, 1000)))
    def clean(self, limit: int) -> None:
        old = self._model.old()
        assert self._runner.run(self._world.job_upkeep.clean(RULES, limit=limit)) == min(limit, len(old))
        there = self._runner.run(self._seen())
        gone = [task for task in old if task.id not in there]
        assert all(one.finished <= other.finished for one in gone for other in old if other not in gone)
        for task in gone:
            del self._model.tasks[task.id]

    # What must always hold

    @invariant()
    def everybody_sees_what_the_model_says(self) -> None:
        seen = self._runner.run(self._seen())
        meant = {task.id: task.seen for task in self._model.tasks.values()}
        wrong = {job_id: (seen.get(job_id), meant.get(job_id)) for job_id in seen.keys() | meant.keys()}
        wrong = {job_id: both for job_id, both in wrong.items() if both[0] != both[1]}
        assert not wrong, f"jobs by id, as they are and as they should be: {wrong}"

    @precondition(lambda self: bool(self._model.tasks))
    @invariant()
    def no_job_had_more_attempts_than_allowed_and_unique_ones_are_alone(self) -> None:
        for task in self._model.tasks.values():
            assert 0 <= task.attempt <= task.max_attempts
            self._model.in_place_of(task.key)
