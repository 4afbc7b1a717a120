"""Runs the Python in README.md and docs/: `nox -s docs`, or `pytest README.md docs`.

A ```python block runs as it stands, in order, one namespace per page; `await` and `async with` work at the top level.
A block whose first line is `# test_something.py` is a test module: pytest gets it in a folder of its own.
`<!-- skip: next -->` above a block leaves it out.
"""

import ast
import asyncio
import inspect
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, SkipParser

FLAGS: Final = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
RUNNER: Final = "a loop that lives as long as its page"


def run_block(example: Example) -> None:
    """Run one block of a page."""
    source = str(example.parsed)
    first = source.partition("\n")[0].removeprefix("# ")
    if first.startswith("test_") and first.endswith(".py"):
        run_module(first, source)
        return
    # Blank lines put the block where it stands on the page, so a traceback names the line.
    padding = "\n" * (example.line + example.parsed.line_offset)
    code = compile(padding + source, example.path, "exec", flags=FLAGS, dont_inherit=True)
    result = eval(code, example.namespace)  # noqa: S307 - the pages are ours
    if inspect.iscoroutine(result):
        runner: asyncio.Runner = example.namespace[RUNNER]
        runner.run(result)


def run_module(name: str, source: str) -> None:
    """Give a block that is a test module to pytest."""
    with TemporaryDirectory() as folder:
        Path(folder, name).write_text(source)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", folder, name]
        done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        raise AssertionError(done.stdout + done.stderr)


def open_page(namespace: dict[str, object]) -> None:
    """Each page gets a loop of its own."""
    namespace[RUNNER] = asyncio.Runner()


def close_page(namespace: dict[str, object]) -> None:
    """And closes it."""
    runner = namespace[RUNNER]
    assert isinstance(runner, asyncio.Runner)  # noqa: S101
    runner.close()


pytest_collect_file = Sybil(
    parsers=[CodeBlockParser("python", run_block), SkipParser()],
    patterns=["README.md", "docs/*.md", "docs/**/*.md"],
    setup=open_page,
    teardown=close_page,
).pytest()
