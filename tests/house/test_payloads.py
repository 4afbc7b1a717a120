"""What a kind of job writes into its rows is a contract with older and newer programs: golden files hold it."""

import json
from typing import Any, Final, cast

import msgspec
import pytest

from revenge_adapters.memory.sealer import MemorySealer
from revenge_core.background import Job
from revenge_core.jobs.policy import decoded, encoded
from tests.house.job_kinds import registered
from tests.house.modules import ROOT

GOLDEN: Final = ROOT / "tests" / "core" / "jobs" / "golden"
"""One for each kind that has arguments, written by the first version that had it, never changed."""
KINDS: Final = {name: kind for name, kind in registered().kinds.items() if kind.__struct_fields__}

every_kind = pytest.mark.parametrize("kind", sorted(KINDS))


def first_version_of(kind: str) -> bytes:
    return (GOLDEN / f"{kind}.json").read_bytes()


def read(kind: str, args: bytes) -> Job:
    return decoded(KINDS[kind], msgspec.Raw(args), lambda sealed: MemorySealer().unseal(sealed, f"job {kind}"))


def unsealed(args: bytes) -> Any:  # noqa: ANN401 -- JSON
    """What is written but for the seals, which differ each time."""
    return json.loads(args, object_hook=lambda found: "sealed" if set(found) == {"sealed"} else found)


def is_in(old: Any, new: Any) -> bool:  # noqa: ANN401 -- JSON
    """Whether whoever knows the old fields finds them among the new ones, as they were."""
    if not isinstance(old, dict):
        return bool(old == new)
    fields = cast("dict[str, Any]", old)
    return all(name in new and is_in(value, new[name]) for name, value in fields.items())


def test_every_kind_that_has_arguments_has_a_golden_file() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == KINDS.keys()


@every_kind
def test_what_the_first_version_wrote_is_still_read(kind: str) -> None:
    assert isinstance(read(kind, first_version_of(kind)), KINDS[kind])


@every_kind
def test_what_is_written_now_the_first_version_would_have_read(kind: str) -> None:
    job = read(kind, first_version_of(kind))
    now = encoded(job, lambda secret: MemorySealer().seal(secret, f"job {kind}"))
    assert is_in(unsealed(first_version_of(kind)), unsealed(now))
