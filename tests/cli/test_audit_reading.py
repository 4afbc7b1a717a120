"""`revenge audit tail` and `revenge audit export`."""

import asyncio
import csv
import hashlib
import io
import json
import os
import signal
from base64 import b64decode
from collections.abc import AsyncGenerator, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from revenge_adapters.memory.seals import MemorySigner
from revenge_cli.live import Watch
from revenge_core.activity.entities import Action, Entry, FieldChange, Outcome, Signature
from revenge_core.activity.service.reading import MANIFEST_V1
from revenge_core.testing.builders import an_entry
from tests.cli.conftest import Rehearsal, Run

DAY = timedelta(days=1)


@pytest.fixture
def log(doors: Rehearsal) -> list[Entry]:
    """Twelve entries of yesterday, the latest last; one failed, and says so in red."""
    began = doors.box.clock.now() - DAY
    entries = [
        an_entry(
            created_at=began + timedelta(minutes=number),
            action=Action.USER_UPDATE,
            outcome=Outcome.FAILURE if number == 5 else Outcome.SUCCESS,
            reason="\x1b[31m=1+1\nno" if number == 5 else None,
            resource_type="user",
            resource_key=f"ada-{number}",
            changes={"locale": FieldChange(before="en", after="de")},
        )
        for number in range(12)
    ]
    doors.box.rows.activity |= {entry.id: entry for entry in entries}
    return entries


def ids(output: str) -> list[str]:
    return [json.loads(line)["id"] for line in output.splitlines()]


def test_tail_shows_the_latest_the_newest_last(run: Run, log: list[Entry]) -> None:
    assert ids(run("audit", "tail", "--json").stdout) == [str(entry.id) for entry in log[2:]]
    assert ids(run("audit", "tail", "-n", "3", "--json").stdout) == [str(entry.id) for entry in log[9:]]
    line = run("audit", "tail", "-n", "1").stdout
    assert "user.update" in line
    assert "user ada-11" in line
    assert "locale: en -> de" in line
    assert len(run("audit", "tail", "-n", "1", "--plain").stdout.split("\t")) == 8


def test_tail_takes_the_filters_of_the_list(run: Run, log: list[Entry]) -> None:
    assert ids(run("audit", "tail", "--outcome", "failure", "--json").stdout) == [str(log[5].id)]
    assert ids(run("audit", "tail", "--action", "user.login", "--json").stdout) == []
    since = log[10].created_at.isoformat()
    assert ids(run("audit", "tail", "--since", since, "--json").stdout) == [str(entry.id) for entry in log[10:]]
    assert run("audit", "tail", "--action", "user.fly").exit_code == 2
    assert run("audit", "tail", "--since", since, "--until", "2020-01-01").exit_code == 2


@pytest.mark.asvs("16.2.5")
@pytest.mark.parametrize("shape", [(), ("--plain",), ("--json",)])
def test_what_people_wrote_moves_no_cursor_and_makes_no_line(run: Run, log: list[Entry], shape: tuple[str]) -> None:
    shown = run("audit", "tail", "--outcome", "failure", *shape).stdout
    assert "\x1b" not in shown
    assert len(shown.splitlines()) == 1


def test_tail_follows_and_misses_nothing_that_is_committed_late(
    run: Run, doors: Rehearsal, log: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    latest = log[-1].created_at
    late = an_entry(created_at=latest - timedelta(seconds=5))
    new = an_entry(created_at=latest + timedelta(seconds=5))

    def put(entry: Entry) -> Callable[[], object]:
        return lambda: doors.box.rows.activity.update({entry.id: entry})

    happens: list[Callable[[], object]] = [
        put(new),
        put(late),
        lambda: None,
        lambda: os.kill(os.getpid(), signal.SIGINT),
    ]

    async def beats(watching: Watch, seconds: float) -> AsyncGenerator[None]:
        while not watching._over.is_set():
            yield
            happens.pop(0)()
            for _ in range(10):
                await asyncio.sleep(0)

    monkeypatch.setattr(Watch, "beats", beats)
    result = run("audit", "tail", "-n", "2", "--follow", "--json")
    assert result.exit_code == 0
    assert ids(result.stdout) == [str(entry.id) for entry in (*log[10:], new, late)]


def test_an_export_is_in_a_file_with_a_manifest_that_is_signed(run: Run, log: list[Entry], tmp_path: Path) -> None:
    file = tmp_path / "audit.ndjson"
    result = run("audit", "export", "--output", str(file), "--json")
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in file.read_text().split("\n")[:-1]]
    assert [line["id"] for line in lines] == [str(entry.id) for entry in log]
    assert file.stat().st_mode & 0o777 == 0o600
    manifest = json.loads((tmp_path / "audit.ndjson.manifest.json").read_text())
    signed = manifest.pop("signature")
    assert manifest["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest() == json.loads(result.stdout)["sha256"]
    assert (manifest["format"], manifest["count"], manifest["size"]) == ("ndjson", 12, file.stat().st_size)
    assert manifest["first"] == {"id": str(log[0].id), "created_at": log[0].created_at.isoformat()}
    assert manifest["last"]["id"] == str(log[-1].id)
    assert manifest["filter"].keys() == {"until"}
    signature = Signature(
        key_id=signed["key_id"],
        public_key=b64decode(signed["public_key"]),
        signature=b64decode(signed["signature"]),
    )
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()
    assert MemorySigner().is_genuine(MANIFEST_V1 + text, signature, frozenset())
    assert not MemorySigner().is_genuine(MANIFEST_V1 + text.replace(b"12", b"13"), signature, frozenset())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["audit.ndjson", "audit.ndjson.manifest.json"]


def test_an_export_goes_to_standard_output_and_on_after_a_cursor(run: Run, log: list[Entry]) -> None:
    whole = run("audit", "export").stdout.splitlines()
    assert [json.loads(line)["id"] for line in whole] == [str(entry.id) for entry in log]
    rest = run("audit", "export", "--after", json.loads(whole[8])["cursor"]).stdout.splitlines()
    assert rest == whole[9:]
    assert run("audit", "export", "--after", "x").exit_code == 2


def test_a_spreadsheet_gets_text_and_nothing_else(run: Run, log: list[Entry]) -> None:
    text = run("audit", "export", "--format", "csv", "--outcome", "failure").stdout
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["error_message"] == "\\x1b[31m=1+1\\nno"
    assert row["changes"] == '{"locale":{"before":"en","after":"de"}}'


def test_an_export_that_fails_leaves_no_file(run: Run, log: list[Entry], tmp_path: Path) -> None:
    assert run("audit", "export", "--output", str(tmp_path / "x"), "--after", "no").exit_code == 2
    assert list(tmp_path.iterdir()) == []
    assert run("audit", "export", "--output", str(tmp_path / "none" / "x")).exit_code != 0
