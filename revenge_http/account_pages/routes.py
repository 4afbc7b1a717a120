"""The pages under `/account` and what they load (decisions W9, I9; ASVS 3.4.3, 14.2.1).

A page is HTML from a file, put into one frame; what it does, its script does with the API that every client has. The
pages stand where mailed links lead (`Notices.link`). They need no cookies, but the one for signing in, which says so.

What they load has a digest of all of it in its address: browsers may keep it for ever, and what changes has another
address. All addresses are relative, so that the pages stand under any prefix.
"""

from collections.abc import Callable, Mapping
from functools import cache
from hashlib import blake2b
from html import escape
from importlib.resources import files
from string import Template
from typing import Any, Final, cast

from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from revenge_http.access import ENTRANCES, FOR_READING
from revenge_http.answers import Answer
from revenge_http.asgi import Scope, values_of
from revenge_http.conditions import ETAG, knows
from revenge_http.errors import RouteNotFound
from revenge_http.options import HttpOptions

PAGES: Final[Mapping[str, str]] = {
    "address": "Confirm your new address",
    "forgot": "Forgot your password?",
    "invitation": "You are invited",
    "reset": "Set a new password",
    "sign-in": "Sign in",
    "verify": "Verify your address",
}
"""Each page with its title. Its parts are `<page>.html` and `<page>.js`."""
PAGE_POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    b"require-trusted-types-for 'script'; trusted-types 'none'"
)
"""Nothing inline, nothing from elsewhere, no text that becomes code; forms are sent by their script or not at all."""
HTML: Final = b"text/html; charset=utf-8"
KINDS: Final[Mapping[str, bytes]] = {
    "css": b"text/css; charset=utf-8",
    "js": b"text/javascript; charset=utf-8",
    "svg": b"image/svg+xml",
}
KEPT: Final = b"public, max-age=31536000, immutable"
ASKED_FOR: Final = b"public, no-cache"
"""For an address of another version: who has an older page gets what there is now."""


def routes(options: HttpOptions) -> list[HTTPRouteHandler]:
    """The routes of the pages: public, since whoever needs them cannot sign in, or not yet."""
    found = [_route(f"/account/{page}", _page_answer(page, options)) for page in PAGES]
    found += [_route(path, lambda _: _start(options)) for path in ("/", "/account")]
    return [*found, _route("/account/assets/{version:str}/{name:str}", _asset_answer)]


@cache
def assets() -> Mapping[str, bytes]:
    """Everything that pages load, by name."""
    folder = files("revenge_http.account_pages").joinpath("files")
    return {one.name: one.read_bytes() for one in folder.iterdir() if one.name.rpartition(".")[2] in KINDS}


@cache
def version() -> str:
    """A digest of all of it."""
    made = blake2b(digest_size=8)
    for name, content in sorted(assets().items()):
        made.update(b"%b %d\n%b" % (name.encode(), len(content), content))
    return made.hexdigest()


def page(name: str, options: HttpOptions) -> bytes:
    """One page, whole."""
    folder = files("revenge_http.account_pages").joinpath("files")
    values = {
        "assets": f"assets/{version()}",
        "cookies": "on" if options.cookies else "off",
        "page": name,
        "server": escape(options.server_name),
        "title": escape(PAGES[name]),
    }
    content = Template(folder.joinpath(f"{name}.html").read_text("utf-8")).substitute(values)
    return Template(folder.joinpath("frame.html").read_text("utf-8")).substitute(values, content=content).encode()


def _page_answer(name: str, options: HttpOptions) -> Callable[[Scope], Answer]:
    @cache
    def made() -> bytes:
        return page(name, options)

    # The edge adds `no-store`: what somebody typed must not come back from a cache.
    return lambda _: Answer(200, made(), media_type=HTML, headers=[(b"content-security-policy", PAGE_POLICY)])


def _start(options: HttpOptions) -> Answer:
    """Where people begin who have typed no more than the server's address, or have it from a mail."""
    return Answer(303, headers=[(b"location", f"{options.path_prefix}/account/sign-in".encode())])


def _asset_answer(scope: Scope) -> Answer:
    asked = scope["path_params"]
    content = assets().get(asked["name"])
    if content is None:
        raise RouteNotFound
    tag = f'"{version()}"'.encode()
    kept = KEPT if asked["version"] == version() else ASKED_FOR
    headers = [(ETAG, tag), (b"cache-control", kept)]
    known = values_of(scope, b"if-none-match")
    if known and knows(b",".join(known), tag):
        return Answer(304, headers=headers)
    return Answer(200, content, media_type=KINDS[asked["name"].rpartition(".")[2]], headers=headers)


def _route(path: str, answer: Callable[[Scope], Answer]) -> HTTPRouteHandler:
    async def endpoint(request: Request[Any, Any, Any]) -> ASGIApp:
        return cast(ASGIApp, answer(cast(Scope, request.scope)))

    return HTTPRouteHandler(path, http_method="GET", status_code=200, opt={ENTRANCES: FOR_READING})(endpoint)
