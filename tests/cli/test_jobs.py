"""`revenge jobs`: looking at jobs, and changing them."""

import asyncio
import json
from typing import Any, cast

import httpx
import pytest

from revenge_cli import live
from revenge_cli.job_records import BAR_WIDTH
from revenge_core.activity.entities import Action
from revenge_core.actor import ActorKind
from revenge_core.background import JobState, Planned, Queue
from revenge_core.secrets import Secret
from revenge_core.testing.contracts.errands import Delivery, Errand
from tests.cli.conftest import Rehearsal, Run
from tests.errands import WORKER, a_long_job, enqueue, one_in


def put_down(doors: Rehearsal, *states: JobState, **changes: Any) -> list[int]:  # noqa: ANN401 (fields of a row)
    return [asyncio.run(one_in(doors.box, state, **changes)) for state in states]


def listed(run: Run, *arguments: str) -> list[int]:
    done = run("jobs", "list", "--json", *arguments)
    assert done.exit_code == 0, done.stderr
    return [job["id"] for job in json.loads(done.stdout)]


# list


def test_jobs_are_listed_as_the_newest_first(run: Run, doors: Rehearsal) -> None:
    first, second = put_down(doors, JobState.DISCARDED, JobState.RUNNING)
    lines = run("jobs", "list").stdout.splitlines()
    assert lines[0].split()[:6] == ["ID", "STATE", "KIND", "QUEUE", "PRIORITY", "ATTEMPT"]
    assert lines[0].split()[6:] == ["CREATED_AT", "SCHEDULED_AT", "PROGRESS"]
    assert [line.split()[:6] for line in lines[1:]] == [
        [str(second), "running", "errand", "high", "2", "0/5"],
        [str(first), "discarded", "errand", "high", "2", "0/5"],
    ]
    plain = run("jobs", "list", "--plain").stdout.splitlines()
    assert plain[0].split("\t")[6:] == ["2026-01-01T12:00:00Z", "2026-01-01T12:00:00Z", ""]


def test_each_option_of_the_filter_selects(run: Run, doors: Rehearsal) -> None:
    first, second = asyncio.run(
        enqueue(
            doors.box, Planned(job=Errand(), tags=("a,b", "c")), Planned(job=Errand(), queue=Queue.BULK, priority=4)
        )
    )
    doors.box.clock.advance(minutes=1)
    (third,) = put_down(doors, JobState.RUNNING, cancel_requested_at=doors.box.clock.now())
    assert listed(run, "--state", "running", "--state", "completed") == [third]
    assert listed(run, "--kind", "errand") == [third, second, first]
    assert listed(run, "--kind", "nobody") == []
    assert listed(run, "--queue", "bulk", "--queue", "low") == [second]
    assert listed(run, "--priority", "4") == [second]
    assert listed(run, "--tag", "a,b", "--tag", "c") == [first]
    assert listed(run, "--cancel-requested") == [third]
    assert listed(run, "--created-after", "2026-01-01T12:01:00Z") == [third]
    assert listed(run, "--created-before", "2026-01-01T12:01:00") == [second, first]
    assert listed(run, "--created-after", "2026-01-02") == []


def test_a_list_is_as_long_as_asked_for_and_says_where_it_was_cut(run: Run, doors: Rehearsal) -> None:
    there = asyncio.run(enqueue(doors.box, *[Errand()] * 450))
    assert listed(run, "--limit", "430") == sorted(there, reverse=True)[:430]
    assert "There are more" in run("jobs", "list").stderr
    assert run("jobs", "list", "--limit", "450").stderr == ""
    assert run("jobs", "list", "--json").stderr == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("--state", "lost"),
        ("--priority", "5"),
        ("--created-after", "yesterday"),
        ("--created-before", "0001-01-01T00:00:00+14:00"),
        ("--limit", "0"),
    ],
)
def test_a_filter_that_cannot_be_meant_is_a_usage_error(run: Run, arguments: tuple[str, ...]) -> None:
    done = run("jobs", "list", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert arguments[0] in done.stderr


# show


async def test_the_shell_tells_what_the_api_tells(doors: Rehearsal, run: Run) -> None:
    from revenge_core.secrets import Secret as Password
    from revenge_core.users import NewUser
    from tests.apps import app_of
    from tests.http.support import PASSWORD, sign_in

    box = doors.box
    job_id = await a_long_job(box)
    token = await box.revenge.accounts.issue_bootstrap_token()
    assert token
    await box.revenge.accounts.bootstrap(token, NewUser(username="root", email="root@example.org"), Password(PASSWORD))
    transport = httpx.ASGITransport(app_of(box.revenge))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        root = await sign_in(client, "root")

        async def told(path: str) -> Any:  # noqa: ANN401 (JSON)
            return (await client.get(f"/api/v1/admin/{path}", headers=root.headers)).json()

        async def shown(*arguments: str) -> Any:  # noqa: ANN401 (JSON)
            return known(json.loads((await asyncio.to_thread(run, *arguments, "--json")).stdout))

        assert await shown("jobs", "list") == (await told("jobs"))["jobs"]
        assert await shown("jobs", "show", str(job_id), "--args") == await told(f"jobs/{job_id}?args=true")
        assert await shown("jobs", "counts") == await told("jobs/counts")
        assert await shown("queues", "list") == (await told("queues"))["queues"]
        assert await shown("schedules", "list") == (await told("schedules"))["schedules"]
        assert await shown("workers", "list") == (await told("workers"))["workers"]


def known(value: Any) -> Any:  # noqa: ANN401 (JSON)
    """Without what is null, which the API leaves out."""
    if isinstance(value, dict):
        fields = cast(dict[str, object], value)
        return {name: known(inner) for name, inner in fields.items() if inner is not None}
    return [known(inner) for inner in cast(list[object], value)] if isinstance(value, list) else value


def test_a_job_is_shown_with_a_bar_its_errors_and_nothing_that_a_terminal_obeys(run: Run, doors: Rehearsal) -> None:
    job_id = asyncio.run(a_long_job(doors.box))
    text = run("jobs", "show", str(job_id)).stdout
    half = BAR_WIDTH // 2
    assert f"[{'#' * half}{'-' * half}] 50% 1/2 shopping: bread\\x1b[31m" in text
    assert f"attempt 1, 2026-01-01T12:00:00Z, {WORKER}: OSError: the shop is shut" in text
    assert "done 1, failed 1, skipped 0" in text
    assert text.endswith('\n  File "shop.py"\n')
    assert "args" not in text
    assert "\x1b" not in text
    plain = dict(line.split("\t") for line in run("jobs", "show", str(job_id), "--plain").stdout.splitlines())
    assert (plain["id"], plain["state"], plain["timeout"]) == (str(job_id), "running", "1m")


def test_items_are_shown_when_asked_for(run: Run, doors: Rehearsal) -> None:
    job_id = str(asyncio.run(a_long_job(doors.box)))
    assert "sold out" not in run("jobs", "show", job_id).stdout
    assert run("jobs", "show", job_id, "--items").stdout.splitlines()[-1].split() == ["milk", "failed", "sold", "out"]
    items = json.loads(run("jobs", "show", job_id, "--items", "--json").stdout)["each_item"]
    assert [(one["item"], one["status"]) for one in items] == [("bread", "done"), ("milk", "failed")]


def test_arguments_are_shown_sealed_and_the_look_is_written_down(run: Run, doors: Rehearsal) -> None:
    errand, delivery = asyncio.run(enqueue(doors.box, Errand(what="a surprise"), Delivery(key=Secret("hunter22"))))
    assert "a surprise" not in run("jobs", "show", str(errand)).stdout
    assert '"what": "a surprise"' in run("jobs", "show", str(errand), "--args").stdout
    done = run("jobs", "show", str(delivery), "--args", "--json")
    assert json.loads(done.stdout)["args"].keys() == {"key"}
    assert "hunter22" not in done.stdout
    entries = [entry for entry in doors.box.rows.activity.values() if entry.action is Action.JOB_ARGS_READ]
    assert [(entry.actor_kind, entry.resource_key) for entry in entries] == [
        (ActorKind.HOST, str(errand)),
        (ActorKind.HOST, str(delivery)),
    ]


@pytest.mark.parametrize("command", [("show",), ("retry",), ("cancel",), ("delete",), ("watch",)])
def test_a_job_that_is_not_there_ends_with_3(run: Run, command: tuple[str, ...]) -> None:
    for number in ("4711", str(2**63 - 1)):
        done = run("jobs", *command, number, "--json")
        assert (done.exit_code, done.stdout) == (3, "")
        assert json.loads(done.stderr)["error"] == "job_not_found"


@pytest.mark.parametrize("number", ["0", "x", "1.0", str(2**63)])
def test_what_is_no_id_is_a_usage_error(run: Run, number: str) -> None:
    for command in ("show", "retry", "cancel", "delete", "watch"):
        assert run("jobs", command, number).exit_code == 2


# counts


def test_jobs_are_counted_by_queue_and_altogether(run: Run, doors: Rehearsal) -> None:
    put_down(doors, JobState.DISCARDED, JobState.RUNNING, JobState.RUNNING)
    lines = [line.split("\t") for line in run("jobs", "counts", "--plain").stdout.splitlines()]
    by_queue = {line[0]: dict(zip(JobState, line[1:], strict=True)) for line in lines}
    for name in ("high", "total"):
        assert by_queue[name] | {} == {
            **dict.fromkeys(JobState, "0"), JobState.RUNNING: "2", JobState.DISCARDED: "1"
        }  # fmt: skip
    assert lines[-1][0] == "total"


# retry, cancel, delete


def test_jobs_are_changed_by_id(run: Run, doors: Rehearsal) -> None:
    dead, waiting, finished = put_down(doors, JobState.DISCARDED, JobState.AVAILABLE, JobState.COMPLETED)
    assert "1 job retried." in run("jobs", "retry", str(dead)).stderr
    assert "1 job cancelled." in run("jobs", "cancel", str(waiting)).stderr
    done = run("jobs", "delete", str(finished), str(waiting), "--json")
    assert json.loads(done.stdout) == {"matched": 2, "done": 2, "failed": 0, "dry_run": False, "failures": []}
    assert {job.id: job.state for job in doors.box.rows.jobs.values()} == {dead: JobState.AVAILABLE}
    assert {entry.actor_kind for entry in doors.box.rows.activity.values() if entry.action is Action.JOB_DELETE} == {
        ActorKind.HOST
    }


def test_what_the_state_forbids_ends_with_4(run: Run, doors: Rehearsal) -> None:
    running, finished = put_down(doors, JobState.RUNNING, JobState.COMPLETED)
    for command, job_id in (("retry", running), ("delete", running), ("cancel", finished)):
        done = run("jobs", command, str(job_id), "--json")
        assert (done.exit_code, done.stdout) == (4, "")
        assert json.loads(done.stderr)["error"] == "job_state_conflict"


def test_of_several_jobs_those_are_told_that_were_not_changed(run: Run, doors: Rehearsal) -> None:
    dead, running = put_down(doors, JobState.DISCARDED, JobState.RUNNING)
    done = run("jobs", "retry", str(dead), str(running))
    assert done.exit_code == 4
    assert "1 job retried, 1 not." in done.stderr
    assert done.stdout.splitlines()[1].split()[:2] == [str(running), "refused"]
    again = run("jobs", "retry", str(dead), str(running), "4711", "--json")
    assert again.exit_code == 3
    said = json.loads(again.stdout)
    assert (said["matched"], said["done"], said["failed"]) == (3, 1, 2)
    assert {one["result"] for one in said["failures"]} == {"refused", "not_found"}


def test_a_filter_reaches_each_job_once_however_many_there_are(run: Run, doors: Rehearsal) -> None:
    asyncio.run(enqueue(doors.box, *[Errand()] * 450))
    put_down(doors, JobState.RUNNING, JobState.COMPLETED)
    done = run("jobs", "cancel", "--kind", "errand", "--yes", "--json")
    assert json.loads(done.stdout) == {"matched": 451, "done": 451, "failed": 0, "dry_run": False, "failures": []}
    assert done.exit_code == 0
    assert "0 jobs cancelled." in run("jobs", "cancel", "--kind", "errand", "--yes").stderr


def test_how_far_it_is_is_drawn_on_a_terminal_beside_the_result(
    run: Run, doors: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "is_terminal", lambda *, err=False: err)
    asyncio.run(enqueue(doors.box, *[Errand()] * 400))
    done = run("jobs", "cancel", "--kind", "errand", "--yes", "--json")
    assert json.loads(done.stdout)["done"] == 400
    half = BAR_WIDTH // 2
    assert (
        f"\x1b[J[{'#' * half}{'-' * half}] 50% 200/400\n\x1b[1A\x1b[J[{'#' * BAR_WIDTH}] 100% 400/400\n" in done.stderr
    )


def test_elsewhere_how_far_it_is_is_a_line_from_time_to_time(
    run: Run, doors: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "SECONDS_ELSEWHERE", 0)
    asyncio.run(enqueue(doors.box, *[Errand()] * 400))
    lines = run("jobs", "cancel", "--kind", "errand", "--yes").stderr.splitlines()
    assert [line.rpartition(" ")[2] for line in lines] == ["200/400", "400/400", "cancelled."]
    asyncio.run(enqueue(doors.box))
    assert run("jobs", "cancel", "--kind", "errand", "--yes").stderr == "1 job cancelled.\n"


def test_a_dry_run_counts_and_changes_nothing(run: Run, doors: Rehearsal) -> None:
    dead, running = put_down(doors, JobState.DISCARDED, JobState.RUNNING)
    before = dict(doors.box.rows.jobs)
    for which in (("--queue", "high"), (str(dead), str(running), "4711")):
        done = run("jobs", "retry", *which, "--dry-run")
        assert "1 job would be retried; nothing was changed." in done.stderr
        assert (done.exit_code, done.stdout) == (0, "")
        told = json.loads(run("jobs", "retry", *which, "--dry-run", "--json").stdout)
        assert told == {"matched": 1, "done": 0, "failed": 0, "dry_run": True, "failures": []}
    assert doors.box.rows.jobs == before


def test_more_ids_than_one_call_takes_are_done_all_the_same(run: Run, doors: Rehearsal) -> None:
    ids = list(map(str, asyncio.run(enqueue(doors.box, *[Errand()] * 1001))))
    assert json.loads(run("jobs", "cancel", *ids, *ids, "--dry-run", "--json").stdout)["matched"] == 1001
    told = json.loads(run("jobs", "cancel", *ids, *ids, "--json").stdout)
    assert (told["matched"], told["done"], told["failed"]) == (1001, 1001, 0)


def test_nobody_changes_jobs_by_filter_without_being_asked(run: Run, doors: Rehearsal) -> None:
    put_down(doors, JobState.DISCARDED)
    before = dict(doors.box.rows.jobs)
    done = run("jobs", "delete", "--state", "discarded")
    assert done.exit_code == 2
    assert "This would delete 1 job" in done.stderr
    assert "--yes" in done.stderr
    assert doors.box.rows.jobs == before


@pytest.mark.usefixtures("terminal")
def test_at_a_terminal_the_number_is_told_before_it_is_too_late(run: Run, doors: Rehearsal) -> None:
    put_down(doors, JobState.DISCARDED, JobState.DISCARDED)
    declined = run("jobs", "delete", "--state", "discarded", typed="\n")
    assert "Delete 2 jobs? [y/N]" in declined.stderr
    assert (declined.exit_code, len(doors.box.rows.jobs)) == (1, 2)
    assert run("jobs", "delete", "--state", "discarded", "--no-input").exit_code == 2
    assert run("jobs", "delete", "--state", "discarded", typed="y\n").exit_code == 0
    assert doors.box.rows.jobs == {}


@pytest.mark.parametrize("command", ["retry", "cancel", "delete"])
def test_which_jobs_has_to_be_said_in_one_way(run: Run, doors: Rehearsal, command: str) -> None:
    put_down(doors, JobState.DISCARDED)
    before = dict(doors.box.rows.jobs)
    for which in ((), ("1", "--state", "discarded"), ("--yes",), ("--dry-run",)):
        done = run("jobs", command, *which)
        assert done.exit_code == 2
        assert f"Say which jobs to {command}" in done.stderr
    assert doors.box.rows.jobs == before
