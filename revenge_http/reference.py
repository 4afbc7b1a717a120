"""What the API says about itself: the OpenAPI document, a page for people, and a page for each error (W2, W10)."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files
from typing import Any, Final, cast

import msgspec
from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from revenge_core.errors import NotFound, RevengeError
from revenge_http.access import ENTRANCES, FOR_READING
from revenge_http.answers import JSON, Answer
from revenge_http.openapi import Json
from revenge_http.options import HttpOptions
from revenge_http.pages import docs_page, problem_page
from revenge_http.problems import status_of

PAGE_POLICY: Final = (
    b"default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Our pages run no script at all and load nothing from elsewhere."""
HTML: Final = b"text/html; charset=utf-8"
CACHED: Final = (b"cache-control", b"public, max-age=300")


def routes(options: HttpOptions, document: Callable[[], Json]) -> list[HTTPRouteHandler]:
    """The routes of the documentation. `document` is asked once, when somebody wants to see it.

    Without `options.docs` only the pages of errors are there, since every error points to one.
    """
    made = cache(document)
    prefix = options.path_prefix

    @cache
    def as_json() -> bytes:
        return msgspec.json.format(msgspec.json.encode(made()))

    @cache
    def as_yaml() -> bytes:
        import yaml

        return yaml.safe_dump(made(), sort_keys=False, allow_unicode=True, encoding="utf-8")

    @cache
    def as_page() -> bytes:
        return docs_page(made(), prefix)

    @cache
    def style() -> bytes:
        return files("revenge_http").joinpath("pages.css").read_bytes()

    def of_problem(code: str) -> Answer:
        error = known_errors().get(code)
        if error is None:
            raise NotFound(f"No error of this server is called {code[:100]!a}")
        return _html(problem_page(error, status_of(error), prefix))

    problems = [
        _route("/problems/{code:str}", of_problem),
        _route("/api/docs.css", lambda: Answer(200, style(), media_type=b"text/css; charset=utf-8", headers=[CACHED])),
    ]
    if not options.docs:
        return problems
    return [
        _route("/api/openapi.json", lambda: Answer(200, as_json(), media_type=JSON, headers=[CACHED])),
        _route("/api/openapi.yaml", lambda: Answer(200, as_yaml(), media_type=b"application/yaml", headers=[CACHED])),
        _route("/api/docs", lambda: _html(as_page())),
        *problems,
    ]


def _html(page: bytes) -> Answer:
    return Answer(200, page, media_type=HTML, headers=[(b"content-security-policy", PAGE_POLICY), CACHED])


def _route(path: str, answer: Callable[..., Answer]) -> HTTPRouteHandler:
    async def endpoint(request: Request[Any, Any, Any]) -> ASGIApp:
        return cast(ASGIApp, answer(**request.scope["path_params"]))

    name = re.sub(r"\W+", "_", path).strip("_")
    return HTTPRouteHandler(path, http_method="GET", name=name, status_code=200, opt={ENTRANCES: FOR_READING})(endpoint)


@cache
def known_errors() -> dict[str, type[RevengeError]]:
    """Every error that has a code of its own, by that code."""
    found: dict[str, type[RevengeError]] = {}
    for error in _family(RevengeError):
        found.setdefault(error.code, error)
    return dict(sorted(found.items()))


def _family(kind: type[RevengeError]) -> Iterator[type[RevengeError]]:
    """The kind and everything below it, from the top: what inherits its code is not the one to show."""
    yield kind
    for below in kind.__subclasses__():
        yield from _family(below)
