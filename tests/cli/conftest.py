"""The command line in process, over doors that a test can look behind."""

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from revenge_adapters import Sandbox, sandbox
from revenge_adapters.wiring.calibrate import HashCost, calibrate
from revenge_adapters.wiring.doctor import Finding
from revenge_adapters.wiring.schema import SchemaStatus
from revenge_adapters.wiring.settings import Loaded, load_settings
from revenge_adapters.wiring.settings.schema import shown
from revenge_cli.commands import revenge
from revenge_cli.doors import Doors, LoadedSettings
from revenge_core.revenge import Revenge
from tests.cli.served import Front, opened

Run = Callable[..., Result]


class Rehearsal(Doors):
    """Doors to a sandbox, and to answers that a test sets. Settings are the real ones, of an empty environment."""

    def __init__(self) -> None:
        self.box: Sandbox = sandbox()
        self.environ: dict[str, str] = {"HOME": "/nowhere"}
        self.status = SchemaStatus(applied=("0001_pre_one",), pending=("0002_pre_two",), refusal=None)
        self.findings: tuple[Finding, ...] = ()
        self.served: Loaded | None = None

    def load_settings(self, flags: Mapping[str, object], config_file: Path | None) -> Loaded:
        return load_settings(flags, self.environ, config_file)

    def open_revenge(self, loaded: LoadedSettings) -> AbstractAsyncContextManager[Revenge]:
        return self._open()

    def migrations(self, loaded: LoadedSettings) -> SchemaStatus:
        return self.status

    def migrate(self, loaded: LoadedSettings) -> Sequence[str]:
        pending, self.status = self.status.pending, SchemaStatus(applied=("0001", "0002"), pending=(), refusal=None)
        return pending

    def diagnose(self, flags: Mapping[str, object], config_file: Path | None) -> Sequence[Finding]:
        return self.findings

    def calibrate(self, target_seconds: float, max_memory_kib: int) -> HashCost:
        return calibrate(
            target_seconds, max_memory_kib=max_memory_kib, measure=lambda kib, passes, _: kib * passes / 1e6
        )

    def shown_settings(self, loaded: LoadedSettings) -> Mapping[str, object]:
        assert isinstance(loaded, Loaded)
        return shown(loaded.settings)

    def serve(self, loaded: LoadedSettings, announce: Callable[[str], None]) -> None:
        assert isinstance(loaded, Loaded)
        self.served = loaded
        announce("bootstrap token: 00")

    def work(self, loaded: LoadedSettings, announce: Callable[[str], None], *, supervised: bool, stream: bool) -> None:
        assert isinstance(loaded, Loaded)
        self.served = loaded

    @asynccontextmanager
    async def _open(self) -> AsyncGenerator[Revenge]:
        yield self.box.revenge


@pytest.fixture
def doors() -> Rehearsal:
    return Rehearsal()


@pytest.fixture
def run(doors: Rehearsal) -> Run:
    """Runs a command line; what it wrote is in `stdout` and `stderr`."""

    def runner(*arguments: str, typed: str | None = None, env: Mapping[str, str | None] | None = None) -> Result:
        result = CliRunner().invoke(revenge, arguments, obj=doors, input=typed, env=env, prog_name="revenge")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return runner


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make commands believe that somebody sits there."""
    monkeypatch.setattr("revenge_cli.session.sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))


@pytest.fixture(scope="session")
def front() -> Iterator[Front]:
    """Where sandboxes answer over HTTP: `with front.of(doors.box) as url`."""
    with opened() as made:
        yield made
