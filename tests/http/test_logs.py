"""The log's two forms."""

import json
import logging
import time

import pytest

from revenge_http.logs import JsonLines, TextLines


def record(message: str, *, failed: bool = False) -> logging.LogRecord:
    info = None
    if failed:
        error = RuntimeError("line one\nline two")
        info = (RuntimeError, error, None)
    return logging.LogRecord("revenge.test", logging.WARNING, __file__, 1, message, None, info)


@pytest.mark.asvs("16.4.1")
def test_no_event_can_look_like_two() -> None:
    line = TextLines().format(record("one\r\n2026-01-01T00:00:00.000Z error   revenge: forged\x1b[2J\x9b\x7f"))
    assert len(line.splitlines()) == 1
    assert line.isprintable()
    assert json.loads(JsonLines().format(record("one\ntwo")))["message"] == "one\ntwo"
    assert "\n" not in JsonLines().format(record("one\ntwo", failed=True))


@pytest.mark.asvs("16.4.1")
def test_no_character_splits_turns_around_or_loses_an_event() -> None:
    message = "one\u2028two\u2029\u202ethree\x9b2J\x7f\x85\ud800"
    line = TextLines().format(record(message.removesuffix("\ud800")))
    assert len(line.splitlines()) == 1
    assert line.isprintable()
    line = JsonLines().format(record(message))
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["message"] == message


def test_a_traceback_follows_its_line() -> None:
    head, *trace = TextLines().format(record("it failed", failed=True)).splitlines()
    assert head.endswith("warning revenge.test: it failed")
    assert trace
    assert all(line.startswith("    ") for line in trace)
    assert "line two" in json.loads(JsonLines().format(record("it failed", failed=True)))["exception"]


@pytest.mark.asvs("16.2.2")
@pytest.mark.parametrize("form", [TextLines(), JsonLines()], ids=["text", "JSON"])
def test_times_are_utc_wherever_the_server_stands(form: logging.Formatter, monkeypatch: pytest.MonkeyPatch) -> None:
    event = record("noon")
    event.created = 1_767_268_800.25
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    time.tzset()
    try:
        assert "2026-01-01T12:00:00.250Z" in form.format(event)
    finally:
        monkeypatch.undo()
        time.tzset()
