"""Schemathesis over our own OpenAPI document: what its examples say, every boundary, random calls and chains of calls.

Nothing that is sent makes the server fail, and it answers only with what the document says: statuses, headers, bodies.
Counts grow with `REVENGE_TEST_SCALE`; `nox -s fuzz` tries ten times as many.
"""

from collections.abc import Iterator
from typing import Any, Final, cast

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema
from schemathesis.engine.run import PhaseName

from tests.fuzz.server import Server

EXAMPLES: Final = 3
"""Random calls of each operation, at scale 1."""
BEYOND_THE_DOCUMENT: Final = {
    "positive_data_acceptance": "rules such as 'another password than before' are in no schema",
}
"""Checks that would say something about the schema language, and why they are off."""
PHASES: Final = {PhaseName.EXAMPLES, PhaseName.COVERAGE, PhaseName.FUZZING, PhaseName.STATEFUL_TESTING}

pytestmark = [
    pytest.mark.fuzz,
    pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisDeprecationWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:schemathesis"),
]


@pytest.fixture
def server() -> Iterator[Server]:
    with Server().running() as running:
        yield running


def configured(scale: float) -> SchemathesisConfig:
    given: dict[str, Any] = {
        "generation": {"max-examples": max(1, round(EXAMPLES * scale))},
        "checks": {name: {"enabled": False} for name in BEYOND_THE_DOCUMENT},
    }
    config: SchemathesisConfig = cast(Any, SchemathesisConfig).from_dict(given)
    return config


def test_whatever_is_sent_the_server_answers_as_its_document_says(server: Server, scale: float) -> None:
    schema: Any = schemathesis.openapi.from_url(f"{server.url}/api/openapi.json", config=configured(scale))

    @schema.auth(refresh_interval=None)
    class Administrator:
        def get(self, _case: Any, _context: Any) -> str:  # noqa: ANN401 (Schemathesis' own types)
            return server.access_token()

        def set(self, case: Any, token: str, _context: Any) -> None:  # noqa: ANN401 (the same)
            case.headers = {**(case.headers or {}), "Authorization": f"Bearer {token}"}

    done: set[PhaseName] = set()
    failures: dict[tuple[str, str], str] = {}
    for event in from_schema(schema).execute():
        match event:
            case events.PhaseFinished() if event.status is not Status.SKIP:
                done.add(event.phase.name)
            case events.ScenarioFinished():
                failures.update(failures_in(event.recorder))
            case events.NonFatalError() | events.FatalError():
                failures[type(event).__name__, str(getattr(event, "label", ""))] = str(event)
            case _:
                continue
    assert not failures, "\n\n".join(f"{' '.join(where)}\n{what}" for where, what in sorted(failures.items()))
    assert done >= PHASES, f"only {sorted(phase.value for phase in done)} were tried"


def failures_in(recorder: Any) -> Iterator[tuple[tuple[str, str], str]]:  # noqa: ANN401 (the same)
    """Operation and kind of each failure, with the call that shows it."""
    for case_id, checks in recorder.checks.items():
        for check in checks:
            if check.failure_info is not None:
                case, failure = recorder.cases[case_id].value, check.failure_info.failure
                told = f"{failure.title}: {failure.message}\n{case.as_curl_command()}"
                yield (case.operation.label, type(failure).__name__), told
