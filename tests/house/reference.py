"""Pages of `docs/reference` that are made from the code. `python -m tests.house.reference` writes them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from revenge_adapters.wiring.settings.schema import Setting, all_settings, sections
from tests.house.modules import ROOT

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


PAGES: Final[dict[str, Callable[[], str]]] = {"settings.md": settings_page}


def write(folder: Path = REFERENCE) -> None:
    """Write every page."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (folder / name).write_text(page(), "utf-8")


if __name__ == "__main__":
    write()
