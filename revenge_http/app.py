"""The ASGI application: the routes, the gate before them, the edge around everything."""

from typing import Any, Final, cast

from litestar import Litestar, Request, Response
from litestar.middleware import DefineMiddleware

from revenge_core.revenge import Revenge
from revenge_http import auth, health, reference, sessions, users
from revenge_http.access import check_declarations
from revenge_http.asgi import App, Scope
from revenge_http.edge.middleware import Edge
from revenge_http.gate import Gate
from revenge_http.openapi import document
from revenge_http.operations import Operation
from revenge_http.options import HttpOptions
from revenge_http.problems import ProblemWriter

OPERATIONS: Final[tuple[Operation, ...]] = (
    *health.operations,
    *auth.operations,
    *users.operations,
    *sessions.operations,
)
"""Everything that the API can do; the OpenAPI document lists exactly these."""


def create_app(revenge: Revenge, options: HttpOptions) -> App:
    """The whole edge over one `Revenge`. It holds nothing that would have to be closed.

    Raises:
        UndeclaredRoute: a route does not say who may call it.
    """
    problems = ProblemWriter(options)
    inner = create_router(revenge, options, problems)
    return Edge(cast(App, inner), options, problems)


def create_router(revenge: Revenge, options: HttpOptions, problems: ProblemWriter) -> Litestar:
    """The framework's part: routing, and our gate before each route."""

    def to_problem(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        answer = problems.answer(error, cast(Scope, request.scope))
        headers = {name.decode(): value.decode() for name, value in answer.headers}
        return Response(answer.body, status_code=answer.status, headers=headers, media_type=headers["content-type"])

    pages = reference.routes(options, lambda: document(OPERATIONS, options))
    app = Litestar(
        [*(one.route(revenge, options) for one in OPERATIONS), *pages],
        middleware=[DefineMiddleware(cast(Any, Gate), revenge=revenge)],
        exception_handlers={Exception: to_problem},
        openapi_config=None,
        logging_config=None,
        debug=False,
        pdb_on_exception=False,
    )
    check_declarations(app.routes)
    return app
