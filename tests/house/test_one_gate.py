"""Every path that makes a session goes through one gate (decisions I8): a second one would forget a second factor."""

import ast
from collections.abc import Iterator

import pytest

from tests.house.modules import ROOT


def callers(owner: str, method: str) -> Iterator[tuple[str, str]]:
    """File and function of each call `….owner.method(…)` in core."""
    for path in sorted((ROOT / "revenge_core").rglob("*.py")):
        if "testing" in path.parts:
            continue
        for function in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(function, ast.AsyncFunctionDef | ast.FunctionDef):
                for node in ast.walk(function):
                    match node:
                        case ast.Call(func=ast.Attribute(value=ast.Attribute(attr=found), attr=called)):
                            if (found, called) == (owner, method):
                                yield str(path.relative_to(ROOT)), function.name
                        case _:
                            pass


@pytest.mark.asvs("6.3.4")
@pytest.mark.parametrize(
    ("owner", "method", "gate"),
    [
        ("_sessions", "open", ("revenge_core/auth/service/auth.py", "complete_login")),
        ("sessions", "add", ("revenge_core/sessions/service/sessions.py", "open")),
    ],
)
def test_a_session_is_made_in_one_place(owner: str, method: str, gate: tuple[str, str]) -> None:
    assert list(callers(owner, method)) == [gate]
