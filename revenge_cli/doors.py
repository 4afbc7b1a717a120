"""What commands may ask for, as `main` hands it to them through click's context (rulings R1)."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from revenge_core.revenge import Revenge


class LoadedSettings(Protocol):
    """Settings, opaque to this edge, with where each came from."""

    @property
    def settings(self) -> object:
        """What to hand back through a door."""
        ...

    @property
    def origins(self) -> Mapping[str, str]:
        """Key of a setting → where its value is from."""
        ...

    @property
    def warnings(self) -> Sequence[str]:
        """What was given in vain."""
        ...

    @property
    def config_file(self) -> Path | None:
        """The file that was read."""
        ...


class Migrations(Protocol):
    """How far the schema of a database is."""

    @property
    def applied(self) -> Sequence[str]:
        """Names of migrations that were applied, in order."""
        ...

    @property
    def pending(self) -> Sequence[str]:
        """Names of those that are still to come."""
        ...

    @property
    def refusal(self) -> str | None:
        """Why this version must not touch the database; None where it may."""
        ...


class Finding(Protocol):
    """One answer of the doctor."""

    @property
    def id(self) -> str:
        """Stable name of the check."""
        ...

    @property
    def status(self) -> str:
        """`pass`, `warn` or `fail`."""
        ...

    @property
    def message(self) -> str:
        """What was found."""
        ...

    @property
    def fix(self) -> str | None:
        """What to do about it; None where all is well."""
        ...

    @property
    def docs(self) -> str:
        """Where to read more."""
        ...


class HashCost(Protocol):
    """What a hash of a password takes."""

    @property
    def memory_kib(self) -> int:
        """Memory."""
        ...

    @property
    def time_cost(self) -> int:
        """Passes over it."""
        ...

    @property
    def parallelism(self) -> int:
        """Lanes."""
        ...

    @property
    def seconds(self) -> float:
        """How long it takes on this machine."""
        ...


class Doors(Protocol):
    """The ways out of this edge."""

    def load_settings(self, flags: Mapping[str, object], config_file: Path | None) -> LoadedSettings:
        """The settings in force.

        Raises:
            Invalid: some cannot be used.
        """
        ...

    def open_revenge(self, loaded: LoadedSettings) -> AbstractAsyncContextManager[Revenge]:
        """A running Revenge."""
        ...

    def migrations(self, loaded: LoadedSettings) -> Migrations:
        """How far the schema is."""
        ...

    def migrate(self, loaded: LoadedSettings) -> Sequence[str]:
        """Bring the schema up to date; names of what was applied."""
        ...

    def diagnose(self, flags: Mapping[str, object], config_file: Path | None) -> Sequence[Finding]:
        """Look at everything that Revenge needs, its settings first, and change nothing."""
        ...

    def calibrate(self, target_seconds: float, max_memory_kib: int) -> HashCost:
        """The costliest hash that takes no longer here, and never less than OWASP's minimum."""
        ...

    def shown_settings(self, loaded: LoadedSettings) -> Mapping[str, object]:
        """Every setting by key, secrets masked."""
        ...

    def serve(self, loaded: LoadedSettings, announce: Callable[[str], None]) -> None:
        """Serve until told to stop; `announce` gets what whoever starts the server must see."""
        ...

    def work(self, loaded: LoadedSettings, announce: Callable[[str], None], *, supervised: bool, stream: bool) -> None:
        """Run jobs until told to stop; a supervised process is told by its standard input.

        With `stream` it has no database: jobs come through the cache.
        """
        ...
