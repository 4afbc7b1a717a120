"""Every route says who may call it (decisions A3), and every operation says all that its documentation needs."""

import re
from collections.abc import Iterator

import pytest
from litestar import Litestar, get
from litestar.handlers.base import BaseRouteHandler

from revenge_adapters.wiring.sandbox import sandbox
from revenge_core.permissions import Permission
from revenge_http.access import UndeclaredRoute, check_declarations, entrances_of, handlers_of
from revenge_http.app import OPERATIONS, create_router
from revenge_http.examples import EXAMPLES
from revenge_http.operations import Operation
from revenge_http.options import HttpOptions
from revenge_http.problems import Problem, ProblemWriter

PUBLIC = {
    "/",
    "/account",
    "/account/address",
    "/account/assets/{version:str}/{name:str}",
    "/account/forgot",
    "/account/invitation",
    "/account/reset",
    "/account/sign-in",
    "/account/verify",
    "/api/docs",
    "/api/docs.css",
    "/api/openapi.json",
    "/api/openapi.yaml",
    "/api/v1/auth/bootstrap",
    "/api/v1/auth/forgot-password",
    "/api/v1/auth/invitation",
    "/api/v1/auth/login",
    "/api/v1/auth/refresh",
    "/api/v1/auth/register",
    "/api/v1/auth/reset-password",
    "/api/v1/auth/verify-email",
    "/api/v1/files/avatars/{name:str}",
    "/api/v1/sessions/refresh",
    "/healthz",
    "/problems/{code:str}",
    "/readyz",
    "/startupz",
}
"""Everything that strangers may call. A new line here is a decision."""


def routes() -> Iterator[tuple[str, BaseRouteHandler]]:
    options = HttpOptions()
    for route in create_router(sandbox().revenge, options, ProblemWriter(options)).routes:
        for handler in handlers_of(route):
            yield route.path, handler


def test_every_route_declares_its_permission() -> None:
    silent = [f"{path}: {handler}" for path, handler in routes() if not entrances_of(handler)]
    assert silent == []


@pytest.mark.asvs("8.2.1")
def test_strangers_may_call_what_is_listed_and_nothing_else() -> None:
    opened = {
        path
        for path, handler in routes()
        if getattr(handler, "http_methods", ()) != {"OPTIONS"}
        and any(one.access.is_public for one in entrances_of(handler).values())
    }
    assert opened == PUBLIC


def test_a_route_that_declares_nothing_keeps_the_server_from_starting_and_is_named() -> None:
    @get("/forgotten")
    async def forgotten() -> None: ...

    with pytest.raises(UndeclaredRoute, match="/forgotten"):
        check_declarations(Litestar([forgotten], openapi_config=None).routes)


def named(operation: Operation) -> str:
    return operation.name


def test_operations_have_names_of_their_own() -> None:
    names = [one.name for one in OPERATIONS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("one", OPERATIONS, ids=named)
def test_an_operation_says_in_one_line_what_it_does(one: Operation) -> None:
    assert one.function.__doc__
    assert one.function.__doc__.count("\n") == 0


@pytest.mark.parametrize("one", OPERATIONS, ids=named)
def test_every_record_of_an_operation_has_an_example(one: Operation) -> None:
    records = {record for record in (one.body, *one.answers.values(), Problem) if record}
    assert records - EXAMPLES.keys() == set()


@pytest.mark.parametrize("one", OPERATIONS, ids=named)
def test_a_handler_decodes_calls_and_returns(one: Operation) -> None:
    """More than that belongs into core, where embedding programs and the shell find it, too."""
    import ast
    import inspect
    import textwrap

    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(one.function))).body
    assert isinstance(definition, ast.AsyncFunctionDef)
    _docstring, *statements = definition.body
    assert 1 <= len(statements) <= 5


def test_permissions_are_an_alphabetical_list_of_resource_and_action() -> None:
    names = [one.value for one in Permission]
    assert names == sorted(names)
    assert all(re.fullmatch(r"[a-z]+:([a-z_]+|\*)", name) for name in names)
