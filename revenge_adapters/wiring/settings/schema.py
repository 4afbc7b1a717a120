"""The list of settings, derived from the records."""

from collections.abc import Iterator, Mapping
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Final, get_args, get_origin, get_type_hints

import msgspec
from msgspec.structs import fields

from revenge_adapters.wiring.settings.records import Settings
from revenge_adapters.wiring.settings.values import bare, expected, plain
from revenge_core.entity import Entity
from revenge_core.secrets import Secret

PREFIX: Final = "REVENGE_"
SECRET_FILE_SUFFIX: Final = "_FILE"  # noqa: S105 (the end of a name)

ORIGINAL_NAMES: Final[Mapping[str, str]] = {
    "auth.jwt_expiry": "auth.access_token_lifetime",
    "email.base_url": "server.public_url",
    "database.max_conns": "database.pool_max",
    "database.min_conns": "database.pool_min",
    "jobs.fetch_poll_interval": "jobs.poll_interval",
    "logging.format": "log.format",
    "logging.level": "log.level",
    "server.shutdown_timeout": "server.drain_timeout",
    "session.max_per_user": "sessions.max_per_user",
}
"""Names of the original that mean one of ours under another name; the rest is spelled alike (decisions P11)."""

CONFIG_FILE_VARIABLE: Final = "REVENGE_CONFIG_FILE"
OF_THE_SHELL: Final = frozenset({CONFIG_FILE_VARIABLE, "REVENGE_TOKEN", "REVENGE_TOKEN_FILE"})
"""Variables that the command line reads itself: no settings, and nothing to warn about."""
TEST_PREFIX: Final = "REVENGE_TEST_"
"""Variables for the tests of Revenge: no settings, and nothing to warn about."""


class Setting(Entity, kw_only=True):
    """One setting, as everything but the code that uses it sees it."""

    key: str
    hint: object
    default: object
    """None where it is worked out at start; `default_text` says how."""
    default_text: str
    description: str

    @property
    def is_secret(self) -> bool:
        """Whether its value is masked wherever it is shown."""
        return bare(self.hint) is Secret

    @property
    def is_path(self) -> bool:
        """Whether it names a file or a directory."""
        return bare(self.hint) is Path

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return variable_of(self.key)

    @property
    def flag(self) -> str:
        """Its name on the command line, where it has one."""
        return "--" + self.key.removeprefix("server.").replace(".", "-").replace("_", "-")

    @property
    def takes(self) -> str:
        """In words, what it accepts."""
        return expected(self.hint)


def variable_of(key: str) -> str:
    """How the environment spells a key."""
    return PREFIX + key.replace(".", "_").upper()


@cache
def all_settings() -> Mapping[str, Setting]:
    """Every setting by its key, in the order of the records."""
    return {setting.key: setting for setting in _settings_of(Settings, "")}


def sections() -> Mapping[str, type[Entity]]:
    """The record of each section, by name; a section within another is called `email.smtp`."""
    return dict(_sections_of(Settings, ""))


def shown(settings: Settings) -> dict[str, object]:
    """The value of each setting by key, as JSON knows it; secrets are masked."""
    return {key: plain(attrgetter(key)(settings)) for key in all_settings()}


def _settings_of(record: type[Entity], prefix: str) -> Iterator[Setting]:
    hints = get_type_hints(record, include_extras=True)
    for one in fields(record):
        hint = hints[one.name]
        if _is_section(hint):
            yield from _settings_of(hint, f"{prefix}{one.name}.")
            continue
        if get_origin(hint) is not Annotated:
            raise TypeError(f"{record.__name__}.{one.name} has no description: write Annotated[…, Meta(description=…)]")
        meta = next(part for part in get_args(hint) if isinstance(part, msgspec.Meta))
        default = None if one.default is msgspec.NODEFAULT else one.default
        yield Setting(
            key=prefix + one.name,
            hint=hint,
            default=default,
            default_text=(meta.extra or {}).get("default") or _in_words(default),
            description=meta.description or "",
        )


def _sections_of(record: type[Entity], prefix: str) -> Iterator[tuple[str, type[Entity]]]:
    for name, hint in get_type_hints(record).items():
        if _is_section(hint):
            yield prefix + name, hint
            yield from _sections_of(hint, f"{prefix}{name}.")


def _is_section(hint: object) -> bool:
    return isinstance(hint, type) and issubclass(hint, Entity)


def _in_words(default: object) -> str:
    shown = plain(default)
    if shown is None or shown in ("", []):
        return "none"
    return f"`{str(shown).lower() if isinstance(shown, bool) else shown}`"
