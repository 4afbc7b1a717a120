"""Which tests prove which rows of the security standard: `python -m tests.house.ledger` (`nox -s ledger`).

Tests are read, not run, so that nothing but Python is needed. A marker stands on a test, on a class of tests, or in the
`pytestmark` of a file.
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeGuard

from tests.house.asvs_rows import ROWS, Row

ROOT: Final = Path(__file__).parents[2]
FOLDERS: Final = ("revenge_core/testing", "tests")
MARKER: Final = "pytest.mark.asvs"
PROVEN_WHOLE: Final = ("7.", "8.", "9.", "10.3.", "16.")
"""Chapters of which every row has a test or waits for something."""

HEAD: Final = """\
# Security requirements

Rows of OWASP's Application Security Verification Standard 5.0 that concern Revenge, in our own words. *Proven* means
that at least one test fails if it is not so any more; `nox -s ledger` names the tests. *Open* means that no test says
so yet, whatever the code does. What *waits* asks for something that is not there yet.

| row | level | what it asks | where it stands |
|---|---|---|---|
"""


@dataclass(frozen=True)
class Proof:
    """A test that carries a marker; without a name, all tests of a file."""

    path: str
    name: str
    rows: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.path}::{self.name}" if self.name else self.path


class LostMarkerError(Exception):
    """A marker stands where the ledger does not look, or names its rows by something else than plain text."""


def proofs(root: Path = ROOT, folders: Sequence[str] = FOLDERS) -> Iterator[Proof]:
    """Every marked test, by file. Raises LostMarkerError."""
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            text = path.read_text("utf-8")
            if MARKER in text:
                yield from _proofs_in(ast.parse(text), path.relative_to(root).as_posix())


def _proofs_in(tree: ast.Module, path: str) -> Iterator[Proof]:
    seen: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            marks = [one for one in node.decorator_list if _is_marker(one)]
            seen.update(map(id, marks))
            if marks and not node.name.lower().startswith("test") and not node.name.endswith("Contract"):
                raise LostMarkerError(f"{path}: {node.name} is no test")
            if marks:
                yield Proof(path, node.name, tuple(row for mark in marks for row in _rows_of(mark, path)))
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark" and node in tree.body:
            marks = [one for one in ast.walk(node.value) if _is_marker(one)]
            seen.update(map(id, marks))
            if marks:
                yield Proof(path, "", tuple(row for mark in marks for row in _rows_of(mark, path)))
    lost = [node.lineno for node in ast.walk(tree) if _is_marker(node) and id(node) not in seen]
    if lost:
        raise LostMarkerError(f"{path}: line {lost[0]}: put the marker on a test")


def _is_marker(node: ast.AST) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == MARKER


def _rows_of(mark: ast.Call, path: str) -> Iterator[str]:
    for argument in mark.args:
        if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
            raise LostMarkerError(f"{path}: line {mark.lineno}: name the row as text")
        yield argument.value


def by_row(found: Sequence[Proof]) -> dict[str, list[Proof]]:
    """Id of a row → the tests that prove it."""
    tests: dict[str, list[Proof]] = defaultdict(list)
    for proof in found:
        for row in proof.rows:
            tests[row].append(proof)
    return dict(tests)


def unknown(tests: Mapping[str, Sequence[Proof]], rows: Sequence[Row] = ROWS) -> list[str]:
    """What is wrong with markers that name a row which is not listed."""
    return [
        f"{test} names {row}, which is not in tests/house/asvs_rows.py"
        for row in sorted(set(tests) - {row.id for row in rows})
        for test in tests[row]
    ]


def standing(row: Row, tests: Mapping[str, Sequence[Proof]]) -> str:
    """Where a row stands."""
    if tests.get(row.id):
        return "proven"
    return row.reason or "open"


def asvs_page() -> str:
    """Every row and where it stands, without the tests' names: a page that changes rarely."""
    tests = by_row(list(proofs()))
    return HEAD + "".join(f"| {row.id} | {row.level} | {row.gist} | {standing(row, tests)} |\n" for row in ROWS)


def lines(tests: Mapping[str, Sequence[Proof]]) -> Iterator[str]:
    """The ledger, and its sums."""
    sums = {"proven": 0, "open": 0, "waits": 0, "does": 0}
    for row in ROWS:
        where = standing(row, tests)
        sums[where.split()[0]] += 1
        yield f"{row.id:<7} L{row.level}  {row.gist}" + (f"  [{where}]" if where != "proven" else "")
        yield from (f"            {test}" for test in sorted(set(map(str, tests.get(row.id, ())))))
    proven, unproven, waiting, foreign = sums.values()
    yield f"{len(ROWS)} rows: {proven} proven, {unproven} open, {waiting} wait, {foreign} do not apply"


def main() -> int:
    """Print the ledger; 1 if a marker names a row that there is not, or stands where it proves nothing."""
    try:
        tests = by_row(list(proofs()))
    except LostMarkerError as lost:
        sys.exit(str(lost))
    sys.stdout.writelines(f"{line}\n" for line in lines(tests))
    wrong = unknown(tests)
    sys.stderr.writelines(f"{line}\n" for line in wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
