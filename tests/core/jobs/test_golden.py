"""What jobs look like in a database, for as long as programs of several versions share one.

`golden/<kind>.v<n>.json` holds the arguments of a job as that version of its payload writes them. A file is never
changed. Whoever adds a field adds the next version; whoever adds a kind adds its first one.
"""

import json
import re
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from revenge_adapters.memory.sealer import MemorySealer
from revenge_core.background import Job
from revenge_core.jobs.policy import decoded, encoded
from tests.house.job_kinds import registered
from tests.house.modules import PACKAGES, classes

GOLDEN: Final = Path(__file__).parent / "golden"
KINDS: Final = {
    thing.spec.kind: thing
    for package in PACKAGES
    for thing in classes(package)
    if issubclass(thing, Job) and hasattr(thing, "spec") and not thing.__module__.startswith("revenge_core.testing")
}
FILES: Final = sorted(path.name for path in GOLDEN.iterdir())


def kind_and_version(name: str) -> tuple[str, int]:
    parts = re.fullmatch(r"(\w+)\.v([1-9][0-9]*)\.json", name)
    assert parts, f"golden/{name} is not called <kind>.v<number>.json"
    return parts[1], int(parts[2])


def read(name: str) -> Job:
    kind, _ = kind_and_version(name)
    args = (GOLDEN / name).read_bytes()
    return decoded(KINDS[kind], msgspec.Raw(args), lambda sealed: MemorySealer().unseal(sealed, f"job {kind}"))


def without_seals(args: bytes) -> Any:  # noqa: ANN401 -- JSON
    """Seals differ each time."""
    return json.loads(args, object_hook=lambda found: "sealed" if set(found) == {"sealed"} else found)


def test_every_kind_that_ships_has_somebody_who_runs_it() -> None:
    assert KINDS.keys() == registered().kinds.keys()


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_has_a_golden_file_for_each_of_its_versions(kind: str) -> None:
    versions = sorted(version for name, version in map(kind_and_version, FILES) if name == kind)
    assert versions, f"write the arguments of such a job into tests/core/jobs/golden/{kind}.v1.json"
    assert versions == list(range(1, len(versions) + 1))


@pytest.mark.parametrize("name", FILES)
def test_a_golden_file_belongs_to_a_kind_that_ships(name: str) -> None:
    assert kind_and_version(name)[0] in KINDS, "jobs of a kind that is gone may still wait in databases"


@pytest.mark.parametrize("name", FILES)
def test_what_any_version_wrote_is_still_read(name: str) -> None:
    kind, _ = kind_and_version(name)
    assert type(read(name)) is KINDS[kind]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_is_written_today_is_what_the_newest_golden_file_holds(kind: str) -> None:
    newest = max((name for name in FILES if kind_and_version(name)[0] == kind), key=kind_and_version)
    written = encoded(read(newest), lambda secret: MemorySealer().seal(secret, f"job {kind}"))
    assert without_seals(written) == without_seals((GOLDEN / newest).read_bytes()), (
        f"the payload has changed since {newest}: leave that file as it is, and add the next version beside it"
    )
