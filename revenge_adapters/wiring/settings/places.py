"""Where files are by default: the XDG base directories, and the system's own for root (rulings R30)."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

SYSTEM_DATA: Final = Path("/var/lib/revenge")
SYSTEM_CONFIG: Final = Path("/etc/revenge/revenge.toml")


def default_data_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the data is if nobody says: `/var/lib/revenge` for root, else below `$XDG_DATA_HOME`."""
    if os.geteuid() == 0:
        return SYSTEM_DATA
    return _base(environ, "XDG_DATA_HOME", ".local/share") / "revenge"


def default_config_file(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The configuration file that is there if nobody names one, the user's before the machine's."""
    candidates = (_base(environ, "XDG_CONFIG_HOME", ".config") / "revenge" / "revenge.toml", SYSTEM_CONFIG)
    return next((path for path in candidates if path.is_file()), None)


def _base(environ: Mapping[str, str], name: str, below_home: str) -> Path:
    """An XDG base directory; relative ones are to be ignored (XDG Base Directory Specification 0.8)."""
    given = environ.get(name, "")
    return Path(given) if given.startswith("/") else Path(environ.get("HOME") or Path.home()) / below_home
