"""The shell of the pages: it would be of no use if it could not fail."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.shell import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    yield made
    made.close()


def test_blocks_share_variables_and_the_folder(shell: Shell, tmp_path: Path) -> None:
    shell.run("mkdir here\ncd here\nname=value\n")
    shell.run('echo "$name" | tee made\n')
    shell.expect("value\n")
    assert (tmp_path / "here" / "made").read_text() == "value\n"


def test_an_ellipsis_stands_for_anything(shell: Shell) -> None:
    shell.run("printf 'one\\ntwo\\nthree\\n'")
    shell.expect("one\n…\nthree")
    with pytest.raises(AssertionError, match="four"):
        shell.expect("one\n…\nfour")


def test_a_command_that_fails_fails_its_block_and_those_after_it(shell: Shell) -> None:
    with pytest.raises(AssertionError, match="the shell ended"):
        shell.run("false\necho not reached\n")
    with pytest.raises(AssertionError, match="block"):
        shell.run("true\n")


def test_what_reads_its_input_does_not_eat_the_page(shell: Shell) -> None:
    shell.run("cat\n")
    shell.run("echo still here\n")
    shell.expect("still here")


def test_the_port_of_the_page_stands_for_a_free_one(shell: Shell) -> None:
    shell.run("echo http://127.0.0.1:8096 > used\ncat used\n")
    shell.expect("http://127.0.0.1:8096")
    shell.run("! grep -q :8096 used\n")


def test_nothing_of_a_page_is_left_running(shell: Shell, tmp_path: Path) -> None:
    shell.run("sleep 600 & echo $! > pid\n")
    process = Path("/proc", (tmp_path / "pid").read_text().strip())
    shell.close()
    deadline = time.monotonic() + 10
    while process.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not process.exists()
