"""The routes of operations: where the framework leads a request, and what stands before it.

A path without parameters has one route, whatever methods it has: which operation is meant is one look into a dictionary
here. The framework's own way makes a request and a response object for each call, a fifth of what the hottest of ours
costs. It takes no parameters for such routes, so paths that have some go its own way, a route for each method.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, cast

from litestar.handlers import ASGIRouteHandler, HTTPRouteHandler
from litestar.types import ASGIApp

from revenge_core.revenge import Revenge
from revenge_http.access import ENTRANCES, Entrance
from revenge_http.asgi import App
from revenge_http.operations import Operation
from revenge_http.options import HttpOptions


def routes(
    operations: Iterable[Operation], revenge: Revenge, options: HttpOptions
) -> Iterator[ASGIRouteHandler | HTTPRouteHandler]:
    """What Litestar routes to. The gate comes before each: it refuses methods that the path does not have."""
    by_path: dict[str, list[Operation]] = {}
    for one in operations:
        by_path.setdefault(one.path, []).append(one)
    for path, there in by_path.items():
        endpoints: dict[str, App] = {one.method: one.endpoint(revenge, options) for one in there}
        entrances: dict[str, Entrance] = {one.method: Entrance(access=one.access, tier=one.tier) for one in there}
        if "{" not in path:
            yield _plain(path, endpoints, entrances)
        else:
            for one in there:
                yield _with_parameters(one, endpoints[one.method], entrances)


def _plain(path: str, endpoints: dict[str, App], entrances: dict[str, Entrance]) -> ASGIRouteHandler:
    async def handler(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 (Litestar's closed dictionaries)
        await endpoints[scope["method"]](scope, receive, send)

    # The edge looks into the scope for headers that are to be added, so nobody may copy it.
    return ASGIRouteHandler(path, opt={ENTRANCES: entrances}, copy_scope=False)(cast(Any, handler))


def _with_parameters(one: Operation, endpoint: App, entrances: dict[str, Entrance]) -> HTTPRouteHandler:
    async def handler() -> ASGIApp:
        return cast(ASGIApp, endpoint)

    return HTTPRouteHandler(
        re.sub(r"\{(\w+)\}", r"{\1:str}", one.path),
        http_method=cast(Any, one.method),
        name=one.name,
        status_code=200,  # ignored: an ASGI application answers for itself
        opt={ENTRANCES: entrances},
    )(handler)
