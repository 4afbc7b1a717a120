"""Pages of `docs/reference` that are made from the code. `python -m tests.house.reference` writes them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, cast

import click

from revenge_adapters.wiring.doctor import CHECKS
from revenge_adapters.wiring.settings.schema import Setting, all_settings, sections
from revenge_cli.commands import revenge
from tests.house.defects import defects_page
from tests.house.job_kinds import jobs_page
from tests.house.ledger import asvs_page
from tests.house.matrix import access_page
from tests.house.modules import ROOT
from tests.house.template_texts import templates_page
from tests.house.vocabulary import actions_page, errors_page, permissions_page

REFERENCE: Final = ROOT / "docs" / "reference"

SETTINGS_HEAD: Final = """\
# Settings

Each setting is taken from the first place that gives it: a flag, the environment, the configuration file, its default.
`revenge config show --origin` says what is in force and why, `revenge config validate` whether it can be used.

- The environment spells `section.name` as `REVENGE_SECTION_NAME`. A secret may be in a file that
  `REVENGE_SECTION_NAME_FILE` names. What begins with `REVENGE_` and is not a setting is warned about.
- The configuration file is TOML, `name = value` under `[section]`. It is the one that `--config` or
  `REVENGE_CONFIG_FILE` names, else `$XDG_CONFIG_HOME/revenge/revenge.toml` (`~/.config/revenge/revenge.toml`), else
  `/etc/revenge/revenge.toml`. Paths in it may be relative to it.
- Durations are written `90s`, `15m`, `12h`, `30d`, also `1h30m`. Lists are arrays in the file and separated by commas
  in the environment.
"""


def settings_page() -> str:
    """Every setting under a heading of its own, in the order of the records."""
    return "\n".join(_settings_lines())


def _settings_lines() -> Iterator[str]:
    yield SETTINGS_HEAD
    section = ""
    for key, setting in all_settings().items():
        name = key.rpartition(".")[0]
        if name != section:
            section = name
            yield f"## {name}\n\n{sections()[name].__doc__}\n"
        yield from _of_setting(setting, "###" if section else "##")


def _of_setting(setting: Setting, level: str) -> Iterator[str]:
    yield f"{level} {setting.key}\n"
    yield f"{setting.description}\n"
    yield f"- takes {setting.takes}"
    yield f"- default: {setting.default_text}"
    spelled = f"`{setting.variable}`" + (f" or `{setting.variable}_FILE`" if setting.is_secret else "")
    yield f"- environment: {spelled}\n"


CLI_HEAD: Final = """\
# Command line

Results go to standard output, messages to standard error. Every command takes `--json` (objects and arrays whose keys
stay), `--plain` (tab-separated, without a heading) and `--no-input` (never ask). Commands that need settings take
`--config`, `--data-dir` and `--database-url`; all other settings come from the environment and the file, see
[settings](settings.md). `NO_COLOR` is honoured.

| exit code | meaning |
|---|---|
| 0 | ok |
| 1 | failure |
| 2 | usage, or settings that cannot be used |
| 3 | not found |
| 4 | conflict with what is there |
| 5 | denied |
| 69 | something that Revenge needs is down, or there is too much to do: try again later |

With `--json` an error is an object on standard error: `error` (a stable code), `message`, and `errors` with `pointer`
and `detail` of each field.

Commands that take `--url` administer a server elsewhere as well, through its API, and print the same. They come with
an access token, in this order: `--token-file` (`-` is standard input), the file that `REVENGE_TOKEN_FILE` names,
`REVENGE_TOKEN`, else a question. Programs of the same user can read `REVENGE_TOKEN`: a file is better. Certificates are
checked against those of the system, or those that `SSL_CERT_FILE` names; redirects and proxies are not used. A token
goes over http to this machine only, elsewhere with `--allow-http`. What needs a recent proof of who somebody is asks
for their password, where there is somebody to ask.

`--dry-run` changes nothing. It looks whether what is named is there, and refuses what would be refused as far as can be
seen without doing it; a server elsewhere says only then whether somebody who is no administrator may.
"""


def cli_page() -> str:
    """The help of every command."""
    return "\n".join([CLI_HEAD, *(_of_command(path, command) for path, command in commands())])


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command with its full name, groups before what is in them."""
    pending = [("revenge", cast(click.Command, revenge))]
    while pending:
        path, command = pending.pop(0)
        yield path, command
        if isinstance(command, click.Group):
            context = click.Context(command, info_name=path)
            found = [(name, command.get_command(context, name)) for name in command.list_commands(context)]
            pending[:0] = [(f"{path} {name}", child) for name, child in found if child is not None]


def _of_command(path: str, command: click.Command) -> str:
    names = revenge.context_settings["help_option_names"]
    context = click.Context(command, info_name=path, terminal_width=100, help_option_names=names)
    return f"## {path}\n\n```text\n{command.get_help(context)}\n```\n"


DOCTOR_HEAD: Final = """\
# Doctor

`revenge doctor` looks at what Revenge needs and changes nothing. Each check ends with `pass`, `warn` or `fail`, and
says how to mend what it found; one `fail` makes the exit code 1. `--json` gives an array of objects with `id`,
`status`, `message`, `fix` (null where there is nothing to do) and `docs`.
"""


def doctor_page() -> str:
    """Every check under a heading of its own, in the order in which they run."""
    return "\n".join([DOCTOR_HEAD, *(f"## {id}\n\n{what}\n" for id, what in CHECKS.items())])


PAGES: Final[dict[str, Callable[[], str]]] = {
    "access.md": access_page,
    "actions.md": actions_page,
    "asvs.md": asvs_page,
    "cli.md": cli_page,
    "defects.md": defects_page,
    "doctor.md": doctor_page,
    "errors.md": errors_page,
    "jobs.md": jobs_page,
    "permissions.md": permissions_page,
    "settings.md": settings_page,
    "templates.md": templates_page,
}


def write(folder: Path = REFERENCE) -> None:
    """Write every page."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (folder / name).write_text(page(), "utf-8")


if __name__ == "__main__":
    write()
