"""Reference pages say what the code says."""

import click
import pytest

from revenge_adapters.wiring.settings.schema import all_settings
from revenge_cli.lazy import LazyGroup
from tests.house.reference import PAGES, REFERENCE, cli_page, commands, settings_page


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_what_the_code_gives_now(name: str) -> None:
    assert (REFERENCE / name).read_text("utf-8") == PAGES[name](), "run: python -m tests.house.reference"


def test_every_setting_has_a_heading_and_a_description() -> None:
    headings = {line.lstrip("# ") for line in settings_page().splitlines() if line.startswith("#")}
    assert set(all_settings()) - headings == set()
    assert [key for key, setting in all_settings().items() if not setting.description.endswith(".")] == []


def test_every_command_has_a_heading_examples_and_help_for_each_option() -> None:
    headings = {line.removeprefix("## ") for line in cli_page().splitlines() if line.startswith("## ")}
    for path, command in commands():
        assert path in headings
        assert getattr(command, "examples", ()), path
        assert all(example.partition("revenge ")[1] for example in getattr(command, "examples", ()))
        for parameter in command.params:
            assert not isinstance(parameter, click.Option) or parameter.help, (path, parameter.name)


def test_the_line_in_a_list_of_commands_is_the_first_of_the_commands_help() -> None:
    for path, command in commands():
        if isinstance(command, LazyGroup):
            for name, (_, line) in command.lazy.items():
                child = command.get_command(click.Context(command), name)
                assert child is not None
                assert (child.help or "").split("\n")[0] == line, f"{path} {name}"
