"""The `revenge` command. The only module here that knows adapters and the server; the others get them as doors (R1)."""

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from revenge_adapters.wiring.settings import Settings
    from revenge_cli.doors import Finding, HashCost, LoadedSettings, Migrations
    from revenge_core.revenge import Revenge


def main() -> None:
    """Run the command line of this process and exit with its code."""
    if sys.argv[1:] == ["--version"]:  # asked by scripts, again and again: nothing else is loaded for it
        from revenge_cli.release import release

        sys.stdout.write(f"revenge {release()}\n")
        return
    from revenge_cli.commands import revenge

    revenge.main(prog_name="revenge", obj=Adapters())


class Adapters:
    """The doors, each opened when somebody goes through it: `revenge --help` must not load a database driver."""

    def load_settings(self, flags: Mapping[str, object], config_file: Path | None) -> "LoadedSettings":
        """The settings in force."""
        from revenge_adapters.wiring.settings import load_settings

        return load_settings(flags, config_file=config_file)

    def open_revenge(self, loaded: "LoadedSettings") -> "AbstractAsyncContextManager[Revenge]":
        """A running Revenge, for as long as a command takes: jobs are left to others."""
        from revenge_adapters.wiring.open import open_revenge

        return open_revenge(_settings(loaded), worker=False)

    def migrations(self, loaded: "LoadedSettings") -> "Migrations":
        """How far the schema is."""
        from revenge_adapters.wiring.schema import migration_status

        return migration_status(_settings(loaded))

    def migrate(self, loaded: "LoadedSettings") -> Sequence[str]:
        """Bring the schema up to date; what was applied."""
        from revenge_adapters.wiring.schema import migrate_now

        return migrate_now(_settings(loaded))

    def diagnose(self, flags: Mapping[str, object], config_file: Path | None) -> "Sequence[Finding]":
        """Look at everything that Revenge needs, its settings first, and change nothing."""
        from revenge_adapters.wiring.doctor import diagnose

        return diagnose(flags, config_file=config_file)

    def calibrate(self, target_seconds: float, max_memory_kib: int) -> "HashCost":
        """The costliest hash that takes no longer here, and never less than OWASP's minimum."""
        from revenge_adapters.wiring.calibrate import calibrate

        return calibrate(target_seconds, max_memory_kib=max_memory_kib)

    def shown_settings(self, loaded: "LoadedSettings") -> Mapping[str, object]:
        """Every setting as it may be seen, secrets masked."""
        from revenge_adapters.wiring.settings.schema import shown

        return shown(_settings(loaded))

    def serve(self, loaded: "LoadedSettings", announce: Callable[[str], None]) -> None:
        """Serve until told to stop; `announce` gets what whoever starts the server must see."""
        from revenge_http.server import serve

        serve(_settings(loaded), announce)

    def work(
        self, loaded: "LoadedSettings", announce: Callable[[str], None], *, supervised: bool, stream: bool
    ) -> None:
        """Run jobs until told to stop; a supervised process is told by its standard input."""
        from revenge_adapters.wiring.worker import work
        from revenge_http import logs

        settings = _settings(loaded)
        logs.configure(settings.log.level, settings.log.format)
        work(settings, announce, supervised=supervised, stream=stream)


def _settings(loaded: "LoadedSettings") -> "Settings":
    from revenge_adapters.wiring.settings import Settings

    if not isinstance(loaded.settings, Settings):
        raise TypeError("these settings were not made by load_settings")
    return loaded.settings


if __name__ == "__main__":
    main()
