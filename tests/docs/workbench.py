"""A copy of the repository that a page changes as its reader would change the original."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from tests.house.modules import ROOT

_HEAD: Final = re.compile(r"(?:#|--|<!--) ([\w.-]+(?:/[\w.-]+)+|pyproject\.toml)(?: -->)?\n")
_HUNK: Final = re.compile(r"^@@.*\n", re.MULTILINE)


def target_of(block: str) -> str | None:
    """The file that a block is about: its first line is a comment with nothing but a path."""
    head = _HEAD.match(block)
    return head[1] if head else None


def copy_repository(folder: Path) -> None:
    """Copy what git knows, and what it would know if it were asked."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        source, copy = ROOT / name, folder / name
        if source.is_file():  # git may list what was removed meanwhile
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy)


def write(folder: Path, block: str) -> None:
    """Make the file that the block holds, without the line that names it."""
    name = target_of(block)
    assert name is not None
    target = folder / name
    assert not target.exists(), f"{name} is there already; the page has to show a change instead"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(block.partition("\n")[2].lstrip("\n"), "utf-8")


def patch(folder: Path, block: str) -> None:
    """Make a change: in each part, parted by `@@`, lines without a `+` must stand in the file exactly once."""
    name = target_of(block)
    assert name is not None, "the first line of a change names its file"
    text = (folder / name).read_text("utf-8")
    for part in _HUNK.split(block.partition("\n")[2]):
        lines = part.splitlines(keepends=True)
        before = "".join(line[1:] or "\n" for line in lines if not line.startswith("+"))
        after = "".join(line[1:] or "\n" for line in lines if not line.startswith("-"))
        assert text.count(before) == 1, f"{name} holds this {text.count(before)} times instead of once:\n{before}"
        text = text.replace(before, after)
    (folder / name).write_text(text, "utf-8")
