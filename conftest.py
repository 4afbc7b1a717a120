"""Runs what README.md and docs/ tell people to type: `nox -s docs`, or `pytest README.md docs`.

Every page gets an empty folder to work in, one namespace, one event loop and one shell.

- A ```python block runs as it stands; `await` and `async with` work at the top level. One whose first line is
  `# test_something.py` is a test module: pytest gets it in a folder of its own.
- A block whose first line is a comment with a path, such as `# revenge_core/notes/errors.py`, is a file of the
  repository; a ```diff block with such a line changes one. The page's folder is a copy of the repository then.
- A ```sh block is typed into the page's shell, where `8096` stands for a port that is free; it fails as soon as a
  command does. An ```output block after it is what it must have printed; `…` in it stands for anything.
- `<!-- skip: next -->` above a block leaves it out.
"""

import ast
import asyncio
import inspect
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, SkipParser

from tests.docs import workbench
from tests.docs.shell import Shell

FLAGS: Final = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
PAGE: Final = "the page's own things"


class Page:
    """What the blocks of one page share."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self._shell: Shell | None = None
        self._has_copy = False
        self._elsewhere = Path.cwd()
        self._folder = TemporaryDirectory(prefix="revenge-docs-", ignore_cleanup_errors=True)
        os.chmod(self._folder.name, 0o755)  # noqa: S103, PTH101 - as root, PostgreSQL's own user must get through
        os.chdir(self._folder.name)

    @property
    def shell(self) -> Shell:
        """The shell, started by the first block that needs it."""
        if self._shell is None:
            self._shell = Shell(Path(self._folder.name))
        return self._shell

    @property
    def copy(self) -> Path:
        """The page's folder, filled with the repository by the first block that changes it."""
        if not self._has_copy:
            workbench.copy_repository(Path(self._folder.name))
            self._has_copy = True
        return Path(self._folder.name)

    def close(self) -> None:
        """End whatever the page started, and remove what it left."""
        self.runner.close()
        if self._shell is not None:
            self._shell.close()
        os.chdir(self._elsewhere)
        self._folder.cleanup()


def page_of(example: Example) -> Page:
    """The page that a block stands on."""
    page = example.namespace[PAGE]
    assert isinstance(page, Page)  # noqa: S101 - `open_page` put it there
    return page


def run_python(example: Example) -> None:
    """Run a ```python block."""
    source = str(example.parsed)
    if workbench.target_of(source):
        write_file(example)
        return
    first = source.partition("\n")[0].removeprefix("# ")
    if first.startswith("test_") and first.endswith(".py"):
        run_module(first, source)
        return
    # Blank lines put the block where it stands on the page, so a traceback names the line.
    padding = "\n" * (example.line + example.parsed.line_offset)
    code = compile(padding + source, example.path, "exec", flags=FLAGS, dont_inherit=True)
    result = eval(code, example.namespace)  # noqa: S307 - the pages are ours
    if inspect.iscoroutine(result):
        page_of(example).runner.run(result)


def run_module(name: str, source: str) -> None:
    """Give a block that is a test module to pytest."""
    with TemporaryDirectory() as folder:
        Path(folder, name).write_text(source)
        settings = ("--rootdir", folder, "-o", "anyio_mode=auto", "-W", "error")  # as docs/testing.md advises
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *settings, name]
        done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)  # noqa: S603 - pytest
    if done.returncode:
        raise AssertionError(done.stdout + done.stderr)


def write_file(example: Example) -> None:
    """Write a block that is a file of the repository; any other in a language that we don't run is only read."""
    if workbench.target_of(str(example.parsed)):
        workbench.write(page_of(example).copy, str(example.parsed))


def change_file(example: Example) -> None:
    """Make the change that a ```diff block shows."""
    workbench.patch(page_of(example).copy, str(example.parsed))


def run_shell(example: Example) -> None:
    """Type a ```sh block into the page's shell."""
    page_of(example).shell.run(str(example.parsed))


def compare_output(example: Example) -> None:
    """Compare an ```output block with what the shell printed last."""
    page_of(example).shell.expect(str(example.parsed))


def open_page(namespace: dict[str, object]) -> None:
    """Each page begins with nothing."""
    namespace[PAGE] = Page()


def close_page(namespace: dict[str, object]) -> None:
    """And leaves nothing."""
    page = namespace[PAGE]
    assert isinstance(page, Page)  # noqa: S101 - `open_page` put it there
    page.close()


pytest_collect_file = Sybil(
    parsers=[
        CodeBlockParser("python", run_python),
        CodeBlockParser("diff", change_file),
        CodeBlockParser("markdown", write_file),
        CodeBlockParser("sql", write_file),
        CodeBlockParser("sh", run_shell),
        CodeBlockParser("output", compare_output),
        SkipParser(),
    ],
    patterns=["README.md", "docs/*.md", "docs/**/*.md"],
    setup=open_page,
    teardown=close_page,
).pytest()
