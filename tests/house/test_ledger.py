"""The ledger of security requirements knows every marker, and what has to be proven is."""

from itertools import pairwise
from pathlib import Path

import pytest

from tests.house.asvs_rows import ROWS, Row
from tests.house.ledger import (
    PROVEN_WHOLE,
    LostMarkerError,
    Proof,
    asvs_page,
    by_row,
    lines,
    proofs,
    standing,
    unknown,
)

PROVEN = by_row(list(proofs()))


def test_every_marker_names_a_row_that_there_is() -> None:
    assert unknown(PROVEN) == []


def test_rows_of_sessions_access_tokens_and_logs_are_proven_or_wait_for_something() -> None:
    asked = [row for row in ROWS if row.id.startswith(PROVEN_WHOLE)]
    assert [row.id for row in asked if standing(row, PROVEN) == "open"] == []


def test_what_is_proven_waits_for_nothing() -> None:
    assert [row.id for row in ROWS if row.reason and row.id in PROVEN] == [], "take their reasons out of asvs_rows"


def test_rows_come_once_and_in_order() -> None:
    numbers = [tuple(map(int, row.id.split("."))) for row in ROWS]
    assert all(one < other for one, other in pairwise(numbers))


def test_reasons_say_whether_there_is_hope() -> None:
    assert [
        row.id for row in ROWS if not (row.reason or "waits for ").startswith(("waits for ", "does not apply: "))
    ] == []


def test_gists_are_sentences() -> None:
    assert [row.id for row in ROWS if not row.gist.endswith(".")] == []


def test_the_ledger_names_each_test_under_its_row_and_adds_up() -> None:
    test = Proof("tests/some.py", "test_that", ("7.3.2", "7.3.1"))
    printed = list(lines(by_row([test])))
    under = printed.index(f"            {test}") - 1
    assert printed[under].startswith("7.3.1")
    assert printed.count(f"            {test}") == 2
    assert printed[-1].startswith(f"{len(ROWS)} rows: 2 proven, ")


def test_a_marker_of_no_row_is_named_with_its_test() -> None:
    (problem,) = unknown(by_row([Proof("tests/some.py", "test_that", ("7.3.1", "99.1"))]))
    assert "tests/some.py::test_that names 99.1" in problem


def test_a_row_is_proven_open_or_waits() -> None:
    proven = by_row([Proof("", "", ("1.1.1",))])
    assert standing(Row("1.1.1", 1, ""), proven) == "proven"
    assert standing(Row("1.1.2", 1, ""), proven) == "open"
    assert standing(Row("1.1.2", 1, "", "waits for rain"), proven) == "waits for rain"


def test_the_page_has_a_line_for_each_row() -> None:
    assert [line.split(" | ")[0] for line in asvs_page().splitlines() if line[2:3].isdigit()] == [
        f"| {row.id}" for row in ROWS
    ]


@pytest.mark.parametrize(
    "source",
    [
        'def test_that():\n    pytestmark = pytest.mark.asvs("7.1.1")',
        '@pytest.mark.asvs("7.1.1")\ndef helper(): ...',
        "@pytest.mark.asvs(ROW)\ndef test_that(): ...",
        'pytest.param(1, marks=pytest.mark.asvs("7.1.1"))',
    ],
)
def test_a_marker_that_proves_nothing_is_no_marker(tmp_path: Path, source: str) -> None:
    (tmp_path / "some.py").write_text(source)
    with pytest.raises(LostMarkerError, match=r"some\.py"):
        list(proofs(tmp_path, ["."]))


@pytest.mark.parametrize("value", ['pytest.mark.asvs("7.1.1")', '[pytest.mark.anyio, pytest.mark.asvs("7.1.1")]'])
def test_a_marker_of_a_file_stands_for_all_its_tests(tmp_path: Path, value: str) -> None:
    (tmp_path / "some.py").write_text(f"pytestmark = {value}\n")
    (proof,) = proofs(tmp_path, ["."])
    assert (str(proof), proof.rows) == ("some.py", ("7.1.1",))


def test_markers_of_tests_and_of_classes_are_found(tmp_path: Path) -> None:
    mark = '@pytest.mark.asvs("7.1.1", "7.1.2")'
    (tmp_path / "some.py").write_text(f"{mark}\nclass TestAll:\n    {mark}\n    async def test_one(self): ...\n")
    assert [(proof.name, proof.rows) for proof in proofs(tmp_path, ["."])] == [
        ("TestAll", ("7.1.1", "7.1.2")),
        ("test_one", ("7.1.1", "7.1.2")),
    ]
