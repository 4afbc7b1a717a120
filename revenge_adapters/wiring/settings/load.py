"""Read the settings from where they may be given, and remember where each came from (decisions P11)."""

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, cast

from revenge_adapters.wiring.settings.errors import Problem, SettingsInvalid
from revenge_adapters.wiring.settings.places import default_config_file, default_data_dir
from revenge_adapters.wiring.settings.records import Settings
from revenge_adapters.wiring.settings.rules import disagreements
from revenge_adapters.wiring.settings.schema import (
    CONFIG_FILE_VARIABLE,
    OF_THE_SHELL,
    ORIGINAL_NAMES,
    PREFIX,
    SECRET_FILE_SUFFIX,
    TEST_PREFIX,
    Setting,
    all_settings,
    sections,
    variable_of,
)
from revenge_adapters.wiring.settings.values import parse
from revenge_core.entity import Entity

DEFAULT: Final = "default"


class Given(Entity, kw_only=True):
    """A value that somebody wrote for a setting, and where."""

    raw: object
    source: str


class Loaded(Entity, kw_only=True):
    """The settings in force, where each came from, and what was given in vain."""

    settings: Settings
    origins: dict[str, str]
    """Key → `default`, `file PATH`, `environment NAME` or `flag --NAME`."""
    warnings: tuple[str, ...]
    config_file: Path | None


def load_settings(
    flags: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    config_file: Path | None = None,
) -> Loaded:
    """The settings, each from the first of `flags` (by key), `environ` and the TOML file that gives it.

    `environ` is the process's own if it is None. The file is `config_file`, else `$REVENGE_CONFIG_FILE`, else the
    user's, else the machine's; one that was named must exist. What is not a setting is warned about.

    Raises:
        SettingsInvalid: some of them cannot be used; all of these are named, with their places.
    """
    environment = os.environ if environ is None else environ
    problems: list[Problem] = []
    warnings: list[str] = []
    path = _config_file(config_file, environment)
    given: dict[str, Given] = {}
    if path is not None:
        given |= _from_file(path, problems, warnings)
    given |= _from_environment(environment, problems, warnings)
    given |= {
        key: Given(raw=raw, source=f"flag {all_settings()[key].flag}")
        for key, raw in (flags or {}).items()
        if raw is not None
    }
    values = {key: value for key, one in given.items() for value in _value(all_settings()[key], one, problems)}
    values.setdefault("data_dir", default_data_dir(environment))
    origins = {key: given[key].source if key in given else DEFAULT for key in all_settings()}
    settings = _settings(values)
    problems += [
        Problem(key=key, source=origins[key], detail=detail)
        for key, detail in disagreements(settings)
        if key not in {problem.key for problem in problems}
    ]
    if problems:
        raise SettingsInvalid(problems)
    return Loaded(settings=settings, origins=origins, warnings=tuple(warnings), config_file=path)


def _config_file(named: Path | None, environ: Mapping[str, str]) -> Path | None:
    if named is not None:
        return named.expanduser().absolute()
    if environ.get(CONFIG_FILE_VARIABLE):
        return Path(environ[CONFIG_FILE_VARIABLE]).expanduser().absolute()
    return default_config_file(environ)


def _value(setting: Setting, given: Given, problems: list[Problem]) -> Iterator[object]:
    """The value, or nothing and one more problem."""
    try:
        yield parse(given.raw, setting.hint)
    except ValueError:
        shown = "this" if setting.is_secret else repr(given.raw)
        detail = f"{shown} is not {setting.takes}"
        problems.append(Problem(key=setting.key, source=given.source, detail=detail))


def _settings(values: Mapping[str, object]) -> Settings:
    """The records, from values by key; what is not there has its default."""
    parts: dict[str, dict[str, Any]] = {name: {} for name in ("", *sections())}
    for key, value in values.items():
        section, _, name = key.rpartition(".")
        parts[section][name] = value
    for section, record in reversed(list(sections().items())):  # those within others first
        outer, _, name = section.rpartition(".")
        parts[outer][name] = record(**parts[section])
    return Settings(**parts[""])


# The file


def _from_file(path: Path, problems: list[Problem], warnings: list[str]) -> dict[str, Given]:
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as problem:
        reason = problem.strerror or str(problem)
        detail = f"cannot be read: {reason}. Correct the path, or leave it out to use defaults"
        problems.append(Problem(key="config file", source=str(path), detail=detail))
        return {}
    except ValueError as problem:  # TOML's and Unicode's complaints
        problems.append(Problem(key="config file", source=str(path), detail=f"is not TOML: {problem}"))
        return {}
    given: dict[str, Given] = {}
    for key, raw in _flat(content):
        known = ORIGINAL_NAMES.get(key, key)
        setting = all_settings().get(known)
        if setting is None:
            warnings.append(f"{path}: {key} is not a setting{_did_you_mean(key, list(all_settings()))}")
            continue
        if isinstance(raw, str) and setting.is_path and not raw.startswith(("/", "~")):
            raw = str(path.parent / raw)  # noqa: PLW2901 - relative to the file that says it
        given[known] = Given(raw=raw, source=f"file {path}")
    return given


def _flat(table: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(cast(dict[str, object], value), f"{prefix}{name}.")
        else:
            yield prefix + name, value


# The environment


def _from_environment(environ: Mapping[str, str], problems: list[Problem], warnings: list[str]) -> dict[str, Given]:
    names = {variable_of(old): key for old, key in ORIGINAL_NAMES.items()}
    names |= {setting.variable: key for key, setting in all_settings().items()}
    secret_files = {
        setting.variable + SECRET_FILE_SUFFIX: key for key, setting in all_settings().items() if setting.is_secret
    }
    given: dict[str, Given] = {}
    # our own name of a setting is read after the original's, and wins
    for name in sorted(environ, key=lambda name: (name in _own_names(), name)):
        source = f"environment {name}"
        if name in names:
            given[names[name]] = Given(raw=environ[name], source=source)
        elif name in secret_files:
            key = secret_files[name]
            if variable_of(key) in environ:
                detail = f"{variable_of(key)} gives it as well; remove one of the two"
                problems.append(Problem(key=key, source=source, detail=detail))
            else:
                given |= _from_secret_file(key, Path(environ[name]), source, problems)
        elif name.startswith(PREFIX) and name not in OF_THE_SHELL and not name.startswith(TEST_PREFIX):
            hint = _did_you_mean(name, [*names, *secret_files])
            warnings.append(f"environment {name} is not a setting{hint}")
    return given


def _own_names() -> frozenset[str]:
    return frozenset(setting.variable for setting in all_settings().values())


def _from_secret_file(key: str, path: Path, source: str, problems: list[Problem]) -> dict[str, Given]:
    try:
        raw = path.read_text("utf-8").rstrip("\r\n")
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else "it is not text"
        detail = f"{path} cannot be read: {reason}. Name a file that this user may read"
        problems.append(Problem(key=key, source=source, detail=detail))
        return {}
    return {key: Given(raw=raw, source=f"{source} ({path})")}


def _did_you_mean(name: str, known: list[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=1, cutoff=0.75)
    return f"; did you mean {close[0]}?" if close else "; it is ignored"
