"""The ASGI application: the routes, the gate before them, the edge around everything."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from litestar import Litestar, Request, Response
from litestar.enums import HttpMethod
from litestar.handlers import ASGIRouteHandler, HTTPRouteHandler
from litestar.middleware import DefineMiddleware

from revenge_core.revenge import Revenge
from revenge_http import (
    activity,
    admin_users,
    api_keys,
    auth,
    avatars,
    devices,
    explain,
    exports,
    grants,
    groups,
    health,
    invitations,
    jobs,
    limits,
    own_activity,
    preferences,
    queues,
    rbac,
    recovery,
    reference,
    registration,
    schedules,
    sessions,
    users,
    workers,
)
from revenge_http.access import ENTRANCES, Entrance, check_declarations, entrances_of
from revenge_http.account_pages import routes as account_pages
from revenge_http.asgi import App, Scope
from revenge_http.edge.middleware import Edge
from revenge_http.gate import Gate
from revenge_http.openapi import document
from revenge_http.operations import Operation
from revenge_http.options import HttpOptions
from revenge_http.problems import ProblemWriter
from revenge_http.refusals import Refusals, note_refusal
from revenge_http.routes import routes
from revenge_http.shortcut import Shortcut
from revenge_http.throttle import Throttle
from revenge_http.uploads import ENVELOPE_BYTES

OPERATIONS: Final[tuple[Operation, ...]] = (
    *health.operations,
    *auth.operations,
    *recovery.operations,
    *registration.operations,
    *users.operations,
    *avatars.operations,
    *preferences.operations,
    *own_activity.operations,
    *activity.operations,
    *exports.operations,
    *sessions.operations,
    *devices.operations,
    *api_keys.operations,
    *limits.operations,
    *admin_users.operations,
    *groups.operations,
    *explain.operations,
    *invitations.operations,
    *rbac.operations,
    *grants.operations,
    *jobs.operations,
    *queues.operations,
    *schedules.operations,
    *workers.operations,
)
"""Everything that the API can do; the OpenAPI document lists exactly these."""


def create_app(revenge: Revenge, options: HttpOptions) -> App:
    """The whole edge over one `Revenge`. It holds nothing that would have to be closed.

    Raises:
        UndeclaredRoute: a route does not say who may call it.
    """
    problems = ProblemWriter(options)
    throttle = Throttle(revenge.limits, options) if revenge.limits.is_on else None
    inner = create_inner(revenge, options, problems, throttle)
    uploads = {one.path: revenge.avatars.max_bytes + ENVELOPE_BYTES for one in OPERATIONS if one.uploads}
    return Edge(Refusals(inner, revenge), options, problems, throttle, uploads)


def create_inner(revenge: Revenge, options: HttpOptions, problems: ProblemWriter, throttle: Throttle | None) -> App:
    """The routes, the gate before them, and the shortcut to some of them."""
    router = create_router(revenge, options, problems, throttle)
    return Shortcut(router, lambda app: Gate(app, revenge, options, throttle), problems)


def create_router(
    revenge: Revenge, options: HttpOptions, problems: ProblemWriter, throttle: Throttle | None = None
) -> Litestar:
    """The framework's part: routing, and before each route our gate."""

    def to_problem(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        note_refusal(cast(Scope, request.scope), error)
        answer = problems.answer(error, cast(Scope, request.scope))
        headers = {name.decode(): value.decode() for name, value in answer.headers}
        return Response(answer.body, status_code=answer.status, headers=headers, media_type=headers["content-type"])

    pages = [*reference.routes(options, lambda: document(OPERATIONS, options)), *account_pages.routes(options)]
    app = Litestar(
        with_options([*routes(OPERATIONS, revenge, options), *pages]),
        middleware=[DefineMiddleware(cast(Any, Gate), revenge=revenge, options=options, throttle=throttle)],
        exception_handlers={Exception: to_problem},
        openapi_config=None,
        logging_config=None,
        debug=False,
        pdb_on_exception=False,
    )
    check_declarations(app.routes)
    return app


def with_options(handlers: Sequence[ASGIRouteHandler | HTTPRouteHandler]) -> list[ASGIRouteHandler | HTTPRouteHandler]:
    """The routes, and one more for OPTIONS on each path of which a route has one method; the gate answers it.

    Where none was registered, the framework adds one, which declares no access and names only the first method.
    """
    methods: dict[str, dict[str, Entrance]] = {}
    for handler in handlers:
        if isinstance(handler, HTTPRouteHandler):
            for path in handler.paths:
                methods.setdefault(path, {}).update(entrances_of(handler))
    return [*(_options(path, entrances) for path, entrances in methods.items()), *handlers]


def _options(path: str, entrances: Mapping[str, Entrance]) -> HTTPRouteHandler:
    async def endpoint() -> None:
        raise AssertionError("the gate answers OPTIONS")

    return HTTPRouteHandler(path, http_method=HttpMethod.OPTIONS, status_code=204, opt={ENTRANCES: entrances})(endpoint)
