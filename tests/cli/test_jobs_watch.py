"""`revenge jobs watch`: what goes on, until it is over or somebody has had enough."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncGenerator, Callable

import pytest

from revenge_cli import jobs_watch, live
from revenge_cli.live import Watch
from revenge_core.background import JobState, Progress
from tests.cli.conftest import Rehearsal, Run
from tests.errands import a_long_job, change, one_in, put

Happens = list[Callable[[], object]]


@pytest.fixture
def beats(monkeypatch: pytest.MonkeyPatch) -> Happens:
    """What happens after each beat, one after the other; no time passes between them."""
    happens: Happens = []

    async def beat(watching: Watch, seconds: float) -> AsyncGenerator[None]:
        for _ in range(1000):
            yield
            if happens:
                happens.pop(0)()
            for _ in range(10):  # a signal is heard by the loop, not at once
                await asyncio.sleep(0)
            if watching._over.is_set():
                return
        pytest.fail("there was no end to it")

    monkeypatch.setattr(Watch, "beats", beat)
    return happens


def nothing() -> None:
    """Happens as well."""


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make commands believe that standard output is a terminal."""
    monkeypatch.setattr(jobs_watch, "is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")


def enough(number: int = signal.SIGINT) -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_counts_are_one_object_on_one_line_each_time_until_a_signal_which_is_no_failure(
    run: Run, doors: Rehearsal, beats: Happens, number: int
) -> None:
    job_id = asyncio.run(one_in(doors.box, JobState.AVAILABLE))
    beats += [lambda: put(doors.box, job_id, JobState.RUNNING), enough(number)]
    done = run("jobs", "watch", "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    first, second = map(json.loads, done.stdout.splitlines()[:2])
    assert first.keys() == {"at", "queues", "total"}
    assert (first["total"]["available"], first["total"]["running"]) == (1, 0)
    assert (second["queues"]["high"]["available"], second["queues"]["high"]["running"]) == (0, 1)


def test_counts_are_a_line_for_people_or_for_cut(run: Run, doors: Rehearsal, beats: Happens) -> None:
    beats.append(enough())
    line = run("jobs", "watch").stdout.splitlines()[0]
    assert "available 0  cancelled 0" in line
    beats.append(enough())
    cells = run("jobs", "watch", "--plain").stdout.splitlines()[0].split("\t")
    assert len(cells) == 8


def test_a_terminal_is_drawn_anew_each_time_also_where_lines_take_two_rows(
    run: Run, doors: Rehearsal, beats: Happens, drawn: None
) -> None:
    beats += [nothing, nothing, enough()]
    parts = run("jobs", "watch").stdout.split("\x1b[J")
    lines = parts[1].removesuffix(parts[1].rpartition("\n")[2]).splitlines()
    rows = sum(1 + (len(line) - 1) // 60 for line in lines)
    assert rows > len(lines)
    assert parts[1].endswith(f"\x1b[{rows}A")
    assert lines[0].startswith("QUEUE")
    assert lines[-1].startswith("total")


def test_one_job_is_followed_to_its_end(run: Run, doors: Rehearsal, beats: Happens, drawn: None) -> None:
    job_id = asyncio.run(a_long_job(doors.box))
    beats += [
        lambda: change(doors.box, job_id, progress=Progress(current=2, total=2)),
        lambda: put(doors.box, job_id, JobState.COMPLETED),
    ]
    done = run("jobs", "watch", str(job_id))
    assert done.exit_code == 0
    assert " 50% 1/2 shopping: bread\\x1b[31m" in done.stdout
    assert done.stdout.rstrip().endswith("] 100% 2/2")
    assert "completed" in done.stdout.splitlines()[-1]


def test_a_line_for_each_interval_and_one_for_the_end(run: Run, doors: Rehearsal, beats: Happens) -> None:
    job_id = asyncio.run(a_long_job(doors.box))
    beats += [*[nothing] * 24, lambda: put(doors.box, job_id, JobState.COMPLETED)]
    lines = run("jobs", "watch", str(job_id), "--plain").stdout.splitlines()
    assert [line.split("\t")[2] for line in lines] == ["running", "running", "running", "completed"]
    assert lines[0].split("\t")[4] == "50% 1/2 shopping: bread\\x1b[31m"


@pytest.mark.parametrize(("state", "code"), [(JobState.COMPLETED, 0), (JobState.DISCARDED, 1), (JobState.CANCELLED, 1)])
def test_how_a_job_ended_is_the_exit_code(run: Run, doors: Rehearsal, state: JobState, code: int) -> None:
    job_id = asyncio.run(one_in(doors.box, state))
    done = run("jobs", "watch", str(job_id), "--json")
    assert done.exit_code == code
    assert json.loads(done.stdout)["state"] == state


def test_a_job_that_is_deleted_meanwhile_ends_with_3(run: Run, doors: Rehearsal, beats: Happens) -> None:
    job_id = asyncio.run(one_in(doors.box, JobState.AVAILABLE))
    beats.append(lambda: doors.box.rows.jobs.clear())  # noqa: PLW0108 (the rows of then)
    assert run("jobs", "watch", str(job_id)).exit_code == 3


async def test_beats_come_at_once_and_then_each_time_and_end_when_told() -> None:
    watching = Watch()
    count = 0
    with watching.until_told():
        async for _ in watching.beats(0.001):
            count += 1
            if count == 3:
                os.kill(os.getpid(), signal.SIGTERM)
                await asyncio.sleep(0)
            assert count < 100
    assert count >= 3


def test_a_terminal_that_understands_nothing_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "dumb")
    assert not live.is_terminal()
    monkeypatch.setenv("TERM", "xterm")
    assert live.is_terminal()
