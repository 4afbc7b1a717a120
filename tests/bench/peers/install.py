"""Environments for the peers, outside of ours and outside of the checkout: made once, and again when a pin changes."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
APPS: Final = HERE / "apps"
PATIENCE_SECONDS: Final = 600


class CannotInstallError(Exception):
    """Something that a peer needs is not to be had on this machine."""


def cache() -> Path:
    """Where the environments are kept; nothing else is in there, and it may be deleted."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "revenge-bench"


def python_environment(name: str) -> Path:
    """The `bin` of an environment with what `requirements/NAME.txt` pins. Raises CannotInstallError."""
    pins = HERE / "requirements" / f"{name}.txt"
    place = _place(name, pins)
    if not (place / "complete").exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        uv = Path(sys.executable).with_name("uv")
        _run(str(uv), "--no-config", "venv", "--quiet", "--clear", "--python", sys.executable, str(place))
        _run(
            *(str(uv), "--no-config", "pip", "install", "--quiet"),
            *("--python", str(place / "bin" / "python"), "--requirement", str(pins)),
        )
        (place / "complete").touch()
    return place / "bin"


def node_environment() -> Path:
    """A folder with what `package.json` pins, and our program in it. Raises CannotInstallError."""
    pins = HERE / "package.json"
    place = _place("node", pins)
    if not (place / "complete").exists():
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(pins, place)
        _run("npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error", cwd=place)
        (place / "complete").touch()
    # Node looks for packages beside the program.
    shutil.copy(APPS / "better_auth_app.mjs", place)
    return place


def _place(name: str, pins: Path) -> Path:
    known_as = hashlib.sha256(sys.version.encode() + pins.read_bytes()).hexdigest()[:12]
    return cache() / f"{name}-{known_as}"


def _run(*command: str, cwd: Path | None = None) -> None:
    try:
        done = subprocess.run(command, cwd=cwd, check=False, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotInstallError(f"{Path(command[0]).name}: {type(error).__name__}") from error
    if done.returncode:
        # Not what it said: that names the places it was looked for.
        raise CannotInstallError(f"{Path(command[0]).name} ended with {done.returncode}")
