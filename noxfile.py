# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = ["nox>=2025.11.12", "uv>=0.9"]
#
# [tool.nox]
# script-download-python = "never"
# ///
"""Every check of the house. `pip install nox && nox` is all that a fresh machine needs; nox fetches uv by itself.

One environment per interpreter, `.nox/revenge-3.11`, holds all of `requirements.lock` and serves every session.
`nox -l` lists the sessions, `nox -s tests -- -k refresh` hands pytest its arguments.
"""

import atexit
import os
import re
import shutil
import subprocess
import sys
import zipfile
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile, gettempdir, mkdtemp
from typing import IO

import nox
from uv import find_uv_bin

ROOT = Path(__file__).parent
PACKAGES = ("revenge_core", "revenge_adapters", "revenge_http", "revenge_cli")
SUPPORTED = ("3.11", "3.12", "3.13")
OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
APART = "not bench and not browser"
WAITING = "faults or fuzz"
SCRATCH_BYTES = 4 << 30
OLDEST_POSTGRESQL = Path("/usr/lib/postgresql/15")
NEUTRAL = {"PYTHONPATH": None, "PYTHONDONTWRITEBYTECODE": None}
"""Taken from the caller's environment: nothing is imported from elsewhere, and programs start as fast as installed."""

nox.needs_version = ">=2025.11.12"
nox.options.sessions = ["lint", "types", "imports", "docs", "wheel", "tests", "others"]
nox.options.default_venv_backend = "none"

os.environ["UV_PYTHON_DOWNLOADS"] = "never"


def interpreters() -> dict[str, str]:
    """Version → interpreter, the machine's own first. Only what really runs: a shim may be there and refuse."""
    found = {OWN: sys.executable}
    folders = [Path(entry) for entry in os.get_exec_path()]
    folders += sorted(Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob("versions/*/bin"), reverse=True)
    for version in SUPPORTED:
        probe = f"import ssl, venv, sys; sys.exit('%d.%d' % sys.version_info[:2] != '{version}')"
        for program in (folder / f"python{version}" for folder in folders):
            if version in found or not os.access(program, os.X_OK):
                continue
            if subprocess.run([program, "-c", probe], check=False, capture_output=True, timeout=60).returncode == 0:
                found[version] = str(program)
    return found


INTERPRETERS = interpreters()


def scratch() -> Path | None:
    """A folder in memory for what tests write, where there is room: the suite makes many databases, and disks sync."""
    memory = Path("/dev/shm")  # noqa: S108 (a folder of our own is made in it)
    try:
        if shutil.disk_usage(memory).free < SCRATCH_BYTES:
            return None
        folder = Path(mkdtemp(prefix="revenge-nox-", dir=memory))
    except OSError:
        return None
    folder.chmod(0o1777)  # as /tmp: PostgreSQL runs as another user when we are root
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


SCRATCH = scratch()


class Workshop:
    """The environment of one interpreter: the lock with its hashes, then the checkout itself, editable."""

    def __init__(self, session: nox.Session, version: str = OWN) -> None:
        self._session = session
        self._place = ROOT / ".nox" / f"revenge-{version}"
        if not (self._place / "bin" / "python").exists():
            uv(session, "venv", "--quiet", "--clear", "--python", INTERPRETERS[version], str(self._place))
        self.install("--require-hashes", "--requirement", "requirements.lock")
        # The build tool comes from the lock too, hence no isolation.
        self.install("--no-deps", "--no-build-isolation", "--editable", str(ROOT))

    def install(self, *arguments: str) -> None:
        """Install into the environment; without effect, and fast, where nothing is missing."""
        uv(self._session, "pip", "install", "--quiet", "--python", str(self._place), *arguments)

    def run(self, program: str, *arguments: str, **env: str) -> None:
        """Run a program of the environment."""
        self._session.run(str(self._bin / program), *arguments, env=self._surroundings(env), external=True)

    def start(self, program: str, *arguments: str, log: IO[bytes], **env: str) -> subprocess.Popen[bytes]:
        """Begin a program of the environment, which writes into `log`."""
        inherited = {key: value for key, value in os.environ.items() if key not in NEUTRAL}
        given = {key: value for key, value in self._surroundings(env).items() if value is not None}
        command = (str(self._bin / program), *arguments)
        return subprocess.Popen(command, env=inherited | given, stdout=log, stderr=subprocess.STDOUT)

    @property
    def _bin(self) -> Path:
        return self._place / "bin"

    def _surroundings(self, more: dict[str, str]) -> dict[str, str | None]:
        return {
            **NEUTRAL,
            "PATH": f"{self._bin}{os.pathsep}{os.environ['PATH']}",
            "VIRTUAL_ENV": str(self._place),
            **({"TMPDIR": str(SCRATCH)} if SCRATCH else {}),
            **more,
        }


def uv(session: nox.Session, *arguments: str) -> None:
    """Run uv, whatever the machine's own settings say about places to install from."""
    session.run(find_uv_bin(), "--no-config", *arguments, external=True, log=False)


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff: rules and format."""
    workshop = Workshop(session)
    workshop.run("ruff", "check")
    workshop.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Two type checkers, both strict: each sees what the other misses."""
    workshop = Workshop(session)
    workshop.run("mypy")
    workshop.run("basedpyright", "--warnings")


@nox.session
def imports(session: nox.Session) -> None:
    """The directions of imports between packages, features and files."""
    Workshop(session).run("lint-imports")


@nox.session
def docs(session: nox.Session) -> None:
    """Run the code in README.md and docs/."""
    Workshop(session).run("pytest", "README.md", "docs", *session.posargs)


@nox.session
def wheel(session: nox.Session) -> None:
    """Build the wheel, install it where nothing else is, and run a downstream project's tests against it."""
    workshop = Workshop(session)
    # Away from the checkout: nothing of it may be importable by accident.
    with TemporaryDirectory(prefix="revenge-wheel-") as folder:
        place = Path(folder)
        workshop.run("hatchling", "build", "--target", "wheel", "--directory", folder)
        (built,) = place.glob("*.whl")
        missing = forgotten_files(built)
        if missing:
            session.error(f"the wheel lacks {', '.join(missing)}")

        project = shutil.copytree(ROOT / "tests" / "downstream", place / "downstream")
        bin_ = place / "venv" / "bin"
        constraints = ("--constraint", str(ROOT / "constraints.txt"))
        install = ("pip", "install", "--quiet", "--python", str(bin_ / "python"), *constraints)
        uv(session, "venv", "--quiet", "--python", sys.executable, str(place / "venv"))
        uv(session, *install, f"revenge[testing] @ {built.as_uri()}")
        with session.chdir(project):
            session.run(str(bin_ / "python"), "-m", "pytest", env=NEUTRAL, external=True)
            uv(session, *install, f"revenge[server] @ {built.as_uri()}")
            session.run(str(bin_ / "revenge"), "version", env=NEUTRAL, external=True)


def forgotten_files(built: Path) -> list[str]:
    """What git knows in our packages and the wheel does not hold."""
    listed = subprocess.run(
        ["git", "ls-files", *PACKAGES], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    with zipfile.ZipFile(built) as archive:
        return sorted({*listed} - {*archive.namelist()})


@nox.session
def tests(session: nox.Session) -> None:
    """The whole suite, with coverage, on the machine's own Python.

    Beside it, what mostly waits: tests that break things, and Schemathesis. Then contracts once more on PostgreSQL 15,
    the oldest that we take, where the machine has it.
    """
    workshop = Workshop(session)
    if session.posargs:
        workshop.run("pytest", *session.posargs)
        return
    data = {"COVERAGE_FILE": str(ROOT / ".nox" / ".coverage")}
    with TemporaryFile() as log:
        beside = workshop.start("pytest", "-m", f"{APART} and ({WAITING})", log=log)
        try:
            workshop.run("coverage", "run", "-m", "pytest", "-m", f"{APART} and not ({WAITING})", **data)
            workshop.run("coverage", "report", **data)
            failed = beside.wait() != 0
        finally:
            beside.kill()
            log.seek(0)
            session.log(f"what mostly waits:\n{log.read().decode('utf-8', 'replace')}")
    if failed:
        session.error("what mostly waits failed")
    if OLDEST_POSTGRESQL.is_dir():  # rulings R33; what runs on the doubles is the same there
        arguments = ("tests/contracts", "-m", APART, "-k", "not Memory")
        workshop.run("pytest", *arguments, REVENGE_TEST_POSTGRES=str(OLDEST_POSTGRESQL))


@nox.session
def others(session: nox.Session) -> None:
    """The suite on every other Python that the machine has, side by side, without what is slow and the same on all."""
    arguments = tuple(session.posargs) or ("-m", f"{APART} and not ({WAITING})")
    workshops = {version: Workshop(session, version) for version in INTERPRETERS if version != OWN}
    with ExitStack() as stack:
        logs = {version: stack.enter_context(TemporaryFile()) for version in workshops}
        running = {
            version: workshop.start("pytest", *arguments, log=logs[version]) for version, workshop in workshops.items()
        }
        failed = [version for version, process in running.items() if process.wait() != 0]
        for version, log in logs.items():
            log.seek(0)
            session.log(f"Python {version}:\n{log.read().decode('utf-8', 'replace')}")
    if failed:
        session.error(f"tests failed on {', '.join(failed)}")


@nox.session
def faults(session: nox.Session) -> None:
    """Only the tests that break things, three times as often as in the suite."""
    scale = os.environ.get("REVENGE_TEST_SCALE", "3")
    Workshop(session).run("pytest", "-m", "faults", *session.posargs, REVENGE_TEST_SCALE=scale)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Only Schemathesis over our OpenAPI document, with ten times as many calls as in the suite."""
    scale = os.environ.get("REVENGE_TEST_SCALE", "10")
    Workshop(session).run("pytest", "-m", "fuzz", *session.posargs, REVENGE_TEST_SCALE=scale)


@nox.session
def browser(session: nox.Session) -> None:
    """The pages in a headless Chromium, against a real server. Needs Chromium or Chrome in the PATH.

    Debian's packages `chromium-headless-shell` and `chromium` will do. `REVENGE_TEST_CHROMIUM` names another program.
    Where there is none, Playwright is asked to fetch its own; without one the session fails, and says so.
    """
    workshop = Workshop(session)
    workshop.run("python", "-m", "tests.browser.chromium")
    workshop.run("pytest", "tests/browser", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """One benchmark by name: ratios beside their targets, and docs/benchmarks/NAME.json. Without a name: list them."""
    on_disk = {"TMPDIR": gettempdir()}  # where users keep their data
    Workshop(session).run("python", "-m", "tests.bench", *session.posargs, **on_disk)


@nox.session(default=False)
def ledger(session: nox.Session) -> None:
    """Rows of the security standard, and the tests that prove each. Reads tests without running them."""
    session.run(sys.executable, "-m", "tests.house.ledger", env=NEUTRAL, external=True)


@nox.session(default=False)
def lock(session: nox.Session) -> None:
    """Bring requirements.lock and constraints.txt up to pyproject.toml; `-- --upgrade` takes the newest of all."""
    compile_ = (
        *("pip", "compile", "pyproject.toml", "--quiet", "--all-extras", "--group", "dev"),
        *("--universal", "--python-version", "3.11", "--no-header", "--no-annotate"),
        *("--no-emit-index-url", "--no-emit-find-links"),
    )
    uv(session, *compile_, "--generate-hashes", "--output-file", "requirements.lock", *session.posargs)
    uv(session, *compile_, "--constraint", "requirements.lock", "--output-file", "constraints.txt", *session.posargs)
    for name in ("requirements.lock", "constraints.txt"):
        if re.search(r"://|^-", (ROOT / name).read_text(), re.MULTILINE):
            session.error(f"{name} names a place to install from; it would not work on another machine")
