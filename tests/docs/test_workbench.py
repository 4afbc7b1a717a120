"""Blocks that are files of the repository, or changes of them."""

from pathlib import Path

import pytest

from tests.docs.workbench import copy_repository, patch, target_of, write


@pytest.mark.parametrize(
    ("block", "path"),
    [
        ("# revenge_core/notes/errors.py\ncode\n", "revenge_core/notes/errors.py"),
        ("-- revenge_adapters/postgres/notes.sql\nSELECT 1\n", "revenge_adapters/postgres/notes.sql"),
        ("<!-- docs/changes/9-notes.added.md -->\ntext\n", "docs/changes/9-notes.added.md"),
        ("# pyproject.toml\n+line\n", "pyproject.toml"),
        ("# test_notes.py\ncode\n", None),
        ("# either/or is a choice\n", None),
        ("code\n", None),
    ],
)
def test_the_first_line_says_whether_a_block_is_a_file(block: str, path: str | None) -> None:
    assert target_of(block) == path


def test_a_file_is_written_without_the_line_that_names_it(tmp_path: Path) -> None:
    write(tmp_path, "# some/where/new.py\ncode\n")
    assert (tmp_path / "some/where/new.py").read_text() == "code\n"
    with pytest.raises(AssertionError, match="there already"):
        write(tmp_path, "# some/where/new.py\nother\n")


def test_a_change_is_made_where_its_lines_are(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here/list.py").write_text("one\ntwo\n\nthree\nfour\n")
    patch(tmp_path, "# here/list.py\n one\n+one and a half\n two\n@@\n \n-three\n+3\n four\n")
    assert (tmp_path / "here/list.py").read_text() == "one\none and a half\ntwo\n\n3\nfour\n"


@pytest.mark.parametrize("missing", [" three\n+four\n", " twice\n+thrice\n"])
def test_a_change_of_lines_that_are_not_there_once_is_refused(tmp_path: Path, missing: str) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here/list.py").write_text("one\ntwice\ntwice\n")
    with pytest.raises(AssertionError, match="instead of once"):
        patch(tmp_path, f"# here/list.py\n{missing}")


def test_the_copy_holds_the_repository_and_nothing_else(tmp_path: Path) -> None:
    copy_repository(tmp_path)
    assert (tmp_path / "revenge_core/__init__.py").is_file()
    assert not (tmp_path / ".git").exists()
    assert list(tmp_path.rglob("*.pyc")) == []
