"""What a kind of job writes into its rows is a contract with older and newer programs: golden files hold it.

`tests/core/jobs/golden/<kind>.v<n>.json` holds the arguments of a job as that version of its payload writes them. A
file is never changed: whoever adds a field adds the next version beside it. A kind without fields may do without.
"""

import json
import re
from typing import Any, Final, cast

import msgspec
import pytest

from revenge_adapters.memory.sealer import MemorySealer
from revenge_core.background import Job
from revenge_core.jobs.policy import decoded, encoded
from tests.house.job_kinds import registered
from tests.house.modules import PACKAGES, ROOT, classes

GOLDEN: Final = ROOT / "tests" / "core" / "jobs" / "golden"
KINDS: Final = {
    thing.spec.kind: thing
    for package in PACKAGES
    for thing in classes(package)
    if issubclass(thing, Job) and hasattr(thing, "spec") and not thing.__module__.startswith("revenge_core.testing")
}
FILES: Final = sorted(path.name for path in GOLDEN.iterdir())

every_file = pytest.mark.parametrize("name", FILES)


def kind_and_version(name: str) -> tuple[str, int]:
    parts = re.fullmatch(r"(\w+)\.v([1-9][0-9]*)\.json", name)
    assert parts, f"{name} is not called <kind>.v<number>.json"
    return parts[1], int(parts[2])


def versions_of(kind: str) -> list[int]:
    return sorted(version for name, version in map(kind_and_version, FILES) if name == kind)


def read(name: str) -> Job:
    kind, _ = kind_and_version(name)
    args = (GOLDEN / name).read_bytes()
    return decoded(KINDS[kind], msgspec.Raw(args), lambda sealed: MemorySealer().unseal(sealed, f"job {kind}"))


def written(job: Job) -> Any:  # noqa: ANN401 -- JSON
    """What is written of it today."""
    return without_seals(encoded(job, lambda secret: MemorySealer().seal(secret, f"job {job.spec.kind}")))


def without_seals(args: bytes) -> Any:  # noqa: ANN401 -- JSON
    """Seals differ each time."""
    return json.loads(args, object_hook=lambda found: "sealed" if set(found) == {"sealed"} else found)


def is_in(old: Any, new: Any) -> bool:  # noqa: ANN401 -- JSON
    """Whether whoever knows the old fields finds them among the new ones, as they were."""
    if not isinstance(old, dict):
        return bool(old == new)
    fields = cast("dict[str, Any]", old)
    return all(name in new and is_in(value, new[name]) for name, value in fields.items())


def test_every_kind_that_ships_has_somebody_who_runs_it() -> None:
    assert KINDS.keys() == registered().kinds.keys()


@every_file
def test_every_golden_file_belongs_to_a_kind_that_ships(name: str) -> None:
    assert kind_and_version(name)[0] in KINDS, "jobs of a kind that is gone may still wait in databases"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_that_has_arguments_has_a_golden_file(kind: str) -> None:
    versions = versions_of(kind)
    assert versions or not KINDS[kind].__struct_fields__, f"write such arguments into {GOLDEN / kind}.v1.json"
    assert versions == list(range(1, len(versions) + 1))


@every_file
def test_what_any_version_wrote_is_still_read(name: str) -> None:
    assert type(read(name)) is KINDS[kind_and_version(name)[0]]


@every_file
def test_what_is_written_now_any_version_would_have_read(name: str) -> None:
    assert is_in(without_seals((GOLDEN / name).read_bytes()), written(read(name)))


@every_file
def test_the_newest_golden_file_holds_every_field_there_is(name: str) -> None:
    kind, version = kind_and_version(name)
    if version == versions_of(kind)[-1]:
        assert written(read(name)) == without_seals((GOLDEN / name).read_bytes()), (
            f"the payload has changed since {name}: leave that file as it is, and add the next version beside it"
        )
