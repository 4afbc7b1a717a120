"""`revenge audit verify` and `revenge audit checkpoints`."""

import json
from pathlib import Path

import anyio
import pytest
from msgspec.structs import replace

from revenge_adapters.memory.seals import MemorySigner
from revenge_cli.audit_verifying import MEANINGS
from revenge_core.activity.entities import Checkpoint, Flaw
from revenge_core.activity.jobs import SealEntries
from revenge_core.activity.policy import checkpoint_of, line_of, message_of
from revenge_core.testing.attempt import Attempt
from tests.cli.conftest import Rehearsal, Run


@pytest.fixture
def kept(doors: Rehearsal, tmp_path: Path) -> Path:
    """Three entries, two checkpoints, and a file that holds both."""

    async def write() -> None:
        for count in (1, 2):
            for _ in range(count):
                await doors.box.revenge.accounts.issue_bootstrap_token()
            await doors.box.revenge.audit.seal(SealEntries(), Attempt())

    anyio.run(write)
    file = tmp_path / "kept.ndjson"
    file.write_bytes(b"".join(map(line_of, doors.box.rows.activity_checkpoints.values())))
    return file


def tamper(doors: Rehearsal) -> None:
    seal = doors.box.rows.activity_seals[2]
    doors.box.rows.activity[seal.entry_id] = replace(doors.box.rows.activity[seal.entry_id], reason="another")


def test_a_whole_log_is_told_with_what_it_comes_to(run: Run, doors: Rehearsal, kept: Path) -> None:
    result = run("audit", "verify", "--checkpoint", str(kept), "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "whole": True,
        "first": 1,
        "last": 3,
        "hash": doors.box.rows.activity_seals[3].hash.hex(),
        "entries": 3,
        "waiting": 0,
        "checkpoints": 4,
        "dropped_before": None,
        "findings": [],
        "more": 0,
    }


def test_the_first_bad_row_is_named_and_the_exit_code_tells_scripts(run: Run, doors: Rehearsal, kept: Path) -> None:
    tamper(doors)
    result = run("audit", "verify", "--json")
    assert result.exit_code == 1
    (finding,) = json.loads(result.stdout)["findings"]
    assert finding["sequence"] == 2
    assert finding["entry_id"] == str(doors.box.rows.activity_seals[2].entry_id)
    assert (finding["flaw"], finding["meaning"]) == ("entry_changed", "the entry was changed")
    shown = run("audit", "verify")
    assert shown.exit_code == 1
    assert "the entry was changed" in shown.stdout


def test_findings_that_are_too_many_to_list_are_counted(run: Run, doors: Rehearsal, kept: Path) -> None:
    for number in range(120):
        entry = replace(next(iter(doors.box.rows.activity.values())), id=doors.box.ids.new(), reason=str(number))
        doors.box.rows.activity[entry.id] = entry
    assert "And 20 more." in run("audit", "verify").stderr


def test_verifying_can_begin_later(run: Run, kept: Path) -> None:
    assert json.loads(run("audit", "verify", "--since", "2199-01-01", "--json").stdout)["first"] == 4
    assert json.loads(run("audit", "verify", "--since", "2001-01-01", "--json").stdout)["first"] == 1


def test_what_was_kept_is_read_as_far_as_it_can_be(run: Run, kept: Path) -> None:
    kept.write_bytes(b'{"torn\n\n' + kept.read_bytes() + b"x" * 9000)
    result = run("audit", "verify", "--checkpoint", str(kept), "--json")
    assert json.loads(result.stdout)["checkpoints"] == 4
    assert "lines" in result.stderr


def test_a_file_without_checkpoints_proves_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"{}\n")
    result = run("audit", "verify", "--checkpoint", str(tmp_path / "empty"))
    assert result.exit_code == 2
    assert "no checkpoint" in result.stderr


def test_checkpoints_of_an_earlier_master_secret_are_believed_when_asked_to(
    run: Run, doors: Rehearsal, kept: Path
) -> None:
    earlier = MemorySigner(b"an earlier one")
    for number, one in doors.box.rows.activity_checkpoints.items():
        doors.box.rows.activity_checkpoints[number] = replace(one, signed=earlier.sign(message_of(one)))
    (key,) = {one["public_key"] for one in json.loads(run("audit", "checkpoints", "--json").stdout)}
    assert run("audit", "verify").exit_code == 1
    assert run("audit", "verify", "--trust", key).exit_code == 0
    assert run("audit", "verify", "--trust", "no key!").exit_code == 2


def test_checkpoints_are_shown_and_written_as_they_are_shipped(run: Run, kept: Path) -> None:
    assert [one["sequence"] for one in json.loads(run("audit", "checkpoints", "--json").stdout)] == [1, 3]
    assert run("audit", "checkpoints", "--lines").stdout.encode() == kept.read_bytes()
    assert [one["sequence"] for one in json.loads(run("audit", "checkpoints", "--after", "1", "--json").stdout)] == [3]


def test_every_flaw_has_words() -> None:
    assert MEANINGS.keys() == set(Flaw)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"sequence": 0},
        {"sequence": 2**63},
        {"sequence": "1"},
        {"hash": "zz"},
        {"created_at": "2026-01-01T00:00:00"},
        {"public_key": "!"},
        {"signature": None},
    ],
)
def test_lines_that_are_no_checkpoints_are_none(kept: Path, change: dict[str, object]) -> None:
    line = json.loads(kept.read_bytes().splitlines()[0])
    assert isinstance(checkpoint_of(json.dumps(line).encode()), Checkpoint)
    assert checkpoint_of(json.dumps(line | change).encode()) is None
