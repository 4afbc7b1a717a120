"""`revenge queues`, `schedules` and `workers`; completion."""

import asyncio
import json

import pytest

from revenge_cli.job_records import duration
from revenge_core.background import Queue
from revenge_core.jobs.entities import JobSummary
from tests.cli.conftest import Rehearsal, Run
from tests.errands import WORKER, a_schedule, enqueue, somebody_works


def test_queues_are_shown_with_what_is_in_them(run: Run, doors: Rehearsal) -> None:
    asyncio.run(enqueue(doors.box))
    somebody_works(doors.box)
    lines = {line.split("\t")[0]: line.split("\t")[1:] for line in run("queues", "list", "--plain").stdout.splitlines()}
    assert list(lines) == sorted(Queue)
    assert lines["high"] == ["false", "15", "1", "0", "0", "0", "2026-01-01T12:00:00Z"]
    assert run("queues", "list").stdout.split()[:4] == ["NAME", "PAUSED", "WORKERS", "AVAILABLE"]


def test_a_queue_is_paused_and_goes_on(run: Run, doors: Rehearsal) -> None:
    assert json.loads(run("queues", "pause", "bulk", "--json").stdout)["paused"] is True
    assert set(doors.box.rows.paused_queues) == {"bulk"}
    assert "paused_at            2026-01-01T12:00:00Z" in run("queues", "pause", "bulk").stdout
    assert json.loads(run("queues", "resume", "bulk", "--json").stdout)["paused"] is False
    assert doors.box.rows.paused_queues == {}


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("queues", "pause", "bulky"), "queue_not_found"),
        (("queues", "resume", "bulky"), "queue_not_found"),
        (("schedules", "pause", "nothing"), "schedule_not_found"),
        (("schedules", "resume", "nothing"), "schedule_not_found"),
        (("schedules", "run", "nothing"), "schedule_not_found"),
    ],
)
def test_what_is_not_there_ends_with_3(run: Run, arguments: tuple[str, ...], error: str) -> None:
    done = run(*arguments, "--json")
    assert (done.exit_code, done.stdout) == (3, "")
    assert json.loads(done.stderr)["error"] == error


def test_schedules_are_shown_paused_and_resumed(run: Run, doors: Rehearsal) -> None:
    asyncio.run(a_schedule(doors.box))
    (line,) = [
        line for line in run("schedules", "list", "--plain").stdout.splitlines() if line.startswith("shopping\t")
    ]
    assert line.split("\t") == ["shopping", "errand", "high", "1h", "0s", "false", "", "2026-01-01T13:00:00Z"]
    assert json.loads(run("schedules", "pause", "shopping", "--json").stdout)["paused"] is True
    assert json.loads(run("schedules", "resume", "shopping", "--json").stdout)["paused"] is False


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (1.5, "1.5s"), (90, "1m30s"), (3600, "1h"), (16800, "4h40m"), (86400, "1d"), (90061, "1d1h1m1s")],
)
def test_durations_are_written_as_in_settings(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_schedules_job_is_run_now_and_shown(run: Run, doors: Rehearsal) -> None:
    asyncio.run(a_schedule(doors.box))
    job = json.loads(run("schedules", "run", "shopping", "--json").stdout)
    assert (job["kind"], job["state"]) == ("errand", "available")
    assert job.keys() == set(JobSummary.__struct_fields__)
    assert job["id"] in doors.box.rows.jobs
    assert "attempt              0/5" in run("schedules", "run", "shopping").stdout


def test_workers_are_shown_with_what_they_run(run: Run, doors: Rehearsal) -> None:
    somebody_works(doors.box)
    (line,) = run("workers", "list", "--plain").stdout.splitlines()
    cells = line.split("\t")
    assert cells[5].startswith("bulk 3, critical 20, ")
    assert cells[:5] == [WORKER, "kitchen", "4711", "0.2.0", "0"]
    assert json.loads(run("workers", "list", "--json").stdout)[0]["queues"]["bulk"] == 3


def test_states_and_queues_are_completed(run: Run) -> None:
    def completed(words: str) -> str:
        env = {"_REVENGE_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
        return run(env=env).stdout

    assert completed("revenge jobs wa") == "plain,watch\n"
    assert completed("revenge jobs list --state dis") == "plain,discarded\n"
    assert completed("revenge jobs list --queue b") == "plain,bulk\n"
    assert completed("revenge queues pause cr") == "plain,critical\n"
