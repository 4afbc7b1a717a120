"""Routes without parameters are reached past the framework: nobody can tell, and nobody gets past the gate."""

import logging
from collections.abc import AsyncGenerator, Sequence
from typing import cast

import httpx
import pytest
from litestar.routes import ASGIRoute

from revenge_adapters.wiring.sandbox import Sandbox
from revenge_core.activity.entities import Action
from revenge_http.app import OPERATIONS, create_app, create_router
from revenge_http.asgi import App, Receive, Scope, Send
from revenge_http.edge.middleware import Edge
from revenge_http.options import HttpOptions
from revenge_http.problems import ProblemWriter
from revenge_http.refusals import Refusals
from revenge_http.shortcut import Shortcut
from tests.http.support import Party, problem, raw

PLAIN = sorted({one.path for one in OPERATIONS if "{" not in one.path})
NAMES = {"date", "etag"}


@pytest.fixture
async def both(box: Sandbox) -> AsyncGenerator[Sequence[httpx.AsyncClient]]:
    """The application as it is, and without the shortcut."""
    options = HttpOptions()
    problems = ProblemWriter(options)
    router = cast(App, create_router(box.revenge, options, problems))
    apps = (create_app(box.revenge, options), Edge(Refusals(router, box.revenge), options, problems))
    clients = [httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") for app in apps]
    yield clients
    for client in clients:
        await client.aclose()


@pytest.mark.parametrize("path", PLAIN)
async def test_strangers_get_the_same_answer_on_either_way(both: Sequence[httpx.AsyncClient], path: str) -> None:
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        one, other = [
            await client.request(method, path, headers={"x-request-id": "same", "authorization": "Bearer x"})
            for client in both
        ]
        assert (one.status_code, one.text) == (other.status_code, other.text), method
        assert _told(one) == _told(other), method


async def test_whoever_lacks_the_permission_is_refused_and_the_log_told_on_either_way(
    both: Sequence[httpx.AsyncClient], box: Sandbox, ada: Party
) -> None:
    for client in both:
        problem(await client.get("/api/v1/rbac/roles", headers=ada.headers), 403, "permission_denied")
        box.clock.advance(minutes=2)  # of one caller the log hears once a minute
    assert [entry.action for entry in box.rows.activity.values()].count(Action.ACCESS_DENIED) == len(both)


@pytest.mark.parametrize("path", ["/api/v1/users/me", "/healthz"])
async def test_a_host_that_is_none_is_refused_on_either_way(both: Sequence[httpx.AsyncClient], path: str) -> None:
    for client in both:
        problem(await client.get(path, headers={"host": "a/b"}), 400, "request_invalid")


async def test_what_goes_wrong_after_the_answer_has_begun_is_left_to_the_edge(
    box: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    options = HttpOptions()
    problems = ProblemWriter(options)

    async def broken(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise OSError

    shortcut = Shortcut(create_router(box.revenge, options, problems), lambda _app: broken, problems)
    with caplog.at_level(logging.ERROR, "revenge.http"):
        assert (await raw(Edge(shortcut, options, problems)))[0] == 200
    assert "failed after its answer had begun" in caplog.text


def test_each_operation_without_parameters_has_a_route_of_the_framework(box: Sandbox) -> None:
    options = HttpOptions()
    routes = create_router(box.revenge, options, ProblemWriter(options)).routes
    assert {route.path for route in routes if isinstance(route, ASGIRoute)} >= set(PLAIN)


def _told(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in NAMES and "ratelimit" not in name}
