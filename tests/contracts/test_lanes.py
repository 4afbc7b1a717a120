"""The queue before the hashing threads: those that are known pass, and always find a place (rulings R19)."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable

import pytest

from revenge_adapters.lanes import Lanes, LanesFull
from revenge_adapters.passwords_argon2 import Argon2Hasher
from revenge_core.auth.errors import HasherBusy
from revenge_core.secrets import Secret


class Gate:
    """Work that goes on only when it is let: what it did, in order."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self._open = threading.Event()

    def work(self, name: str) -> Callable[[], str]:
        def wait() -> str:
            assert self._open.wait(10)
            self.did.append(name)
            return name

        return wait

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
async def lanes(gate: Gate) -> AsyncIterator[Lanes]:
    """One thread, four places, of which one is reserved."""
    made = Lanes(threads=1, queue=4, name="lane")
    yield made
    gate.open()
    await asyncio.to_thread(made.close)


async def begin(lanes: Lanes, gate: Gate, name: str, *, known: bool = False) -> asyncio.Task[str]:
    """Ask for a piece of work; it runs or waits by the time this returns, or was refused."""
    task = asyncio.create_task(lanes.run(gate.work(name), known=known))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return task


async def test_known_ones_go_first(lanes: Lanes, gate: Gate) -> None:
    tasks = [await begin(lanes, gate, name) for name in ("running", "first", "second")]
    tasks += [await begin(lanes, gate, name, known=True) for name in ("known", "known too")]
    gate.open()
    await asyncio.gather(*tasks)
    assert gate.did == ["running", "known", "known too", "first", "second"]


async def test_strangers_leave_the_reserved_places_free(lanes: Lanes, gate: Gate) -> None:
    assert lanes.reserved == 1
    tasks = [await begin(lanes, gate, name) for name in ("running", "first", "second", "third")]
    with pytest.raises(LanesFull):
        await lanes.run(gate.work("stranger"), known=False)
    tasks.append(await begin(lanes, gate, "known", known=True))
    with pytest.raises(LanesFull):
        await lanes.run(gate.work("known too"), known=True)
    gate.open()
    await asyncio.gather(*tasks)
    assert gate.did == ["running", "known", "first", "second", "third"]


async def test_known_ones_may_take_every_place(lanes: Lanes, gate: Gate) -> None:
    tasks = [await begin(lanes, gate, f"known {number}", known=True) for number in range(5)]
    for known in (True, False):
        with pytest.raises(LanesFull):
            await lanes.run(gate.work("late"), known=known)
    gate.open()
    await asyncio.gather(*tasks)
    assert len(gate.did) == 5


async def test_whoever_stops_waiting_leaves_their_place_and_nothing_is_done_for_them(lanes: Lanes, gate: Gate) -> None:
    running, first, second, third = [await begin(lanes, gate, name) for name in ("running", "first", "second", "third")]
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    fourth = await begin(lanes, gate, "fourth")
    gate.open()
    await asyncio.gather(running, first, third, fourth)
    assert gate.did == ["running", "first", "third", "fourth"]


async def test_what_runs_is_finished_though_nobody_waits_and_its_thread_goes_on(lanes: Lanes, gate: Gate) -> None:
    running, first = [await begin(lanes, gate, name) for name in ("running", "first")]
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    gate.open()
    assert await first == "first"
    assert gate.did == ["running", "first"]


async def test_what_the_work_raises_comes_out_and_the_next_is_done(lanes: Lanes, gate: Gate) -> None:
    def fail() -> str:
        raise LookupError

    running = await begin(lanes, gate, "running")
    failing = asyncio.create_task(lanes.run(fail, known=False))
    after = await begin(lanes, gate, "after")
    gate.open()
    with pytest.raises(LookupError):
        await failing
    assert [await running, await after] == ["running", "after"]


async def test_closing_lets_what_runs_finish_and_drops_what_waits(gate: Gate) -> None:
    lanes = Lanes(threads=1, queue=4, name="lane")
    running, waiting = [await begin(lanes, gate, name) for name in ("running", "waiting")]
    closing = asyncio.create_task(asyncio.to_thread(lanes.close))
    with pytest.raises(asyncio.CancelledError):
        await waiting
    gate.open()
    await closing
    assert await running == "running"
    with pytest.raises(LanesFull):
        await lanes.run(gate.work("late"), known=True)
    assert gate.did == ["running"]


@pytest.mark.parametrize(("queue", "reserved"), [(0, 0), (1, 0), (2, 1), (4, 1), (64, 16)])
def test_a_quarter_of_the_queue_is_reserved_and_never_all_of_it(queue: int, reserved: int) -> None:
    lanes = Lanes(threads=1, queue=queue, name="lane")
    assert lanes.reserved == reserved
    lanes.close()


@pytest.mark.parametrize("threads", [1, 3])
async def test_without_a_queue_as_many_run_as_there_are_threads(threads: int, gate: Gate) -> None:
    lanes = Lanes(threads=threads, queue=0, name="lane")
    tasks = [await begin(lanes, gate, f"{number}") for number in range(threads)]
    with pytest.raises(LanesFull):
        await lanes.run(gate.work("late"), known=True)
    gate.open()
    await asyncio.gather(*tasks)
    assert len(gate.did) == threads
    await asyncio.to_thread(lanes.close)


async def test_defect_24_a_flood_of_strangers_leaves_known_ones_a_place_among_the_hashes() -> None:
    hasher = Argon2Hasher(memory_kib=64, time_cost=1, parallelism=1, threads=1, queue=8)
    stored = await hasher.hash(Secret("correct horse"))

    async def guess() -> str:
        try:
            await hasher.verify(stored, Secret("a bad guess"))
        except HasherBusy as refused:
            return f"after {refused.retry_after} s"
        return "judged"

    async def sign_in() -> bool:
        return await hasher.verify(stored, Secret("correct horse"), known=True)

    answers = await asyncio.gather(*(guess() for _ in range(200)), sign_in())
    assert answers[-1] is True
    assert set(answers[:-1]) == {"judged", "after 1.0 s"}
    hasher.close()
