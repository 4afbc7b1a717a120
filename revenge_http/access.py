"""What a route asks of its caller. Every route declares it; one that doesn't is refused (decisions A3)."""

from collections.abc import Iterable, Mapping
from typing import Final, cast

from litestar.handlers.base import BaseRouteHandler
from litestar.routes import BaseRoute

from revenge_core.apikeys.entities import KeyScope
from revenge_core.apikeys.policy import SMALLEST_SCOPE
from revenge_core.entity import Entity
from revenge_core.limits.entities import Tier
from revenge_core.permissions import Permission

ENTRANCES: Final = "entrances"
"""The key in a route's `opt`: method → `Entrance`."""


class Access(Entity, kw_only=True):
    """The declaration of one route. Made by `public`, `signed_in` and `needs`."""

    is_public: bool = False
    looks: bool = False
    """A public route that uses a good credential, and holds a bad one against nobody."""
    permission: Permission | None = None
    keys: bool = True
    """Whether an API key will do, besides a session (rulings R13)."""

    def key_scope(self, method: str) -> str:
        """The smallest scope that lets an API key in; `none` where nobody is asked, `refused` where no key will do.

        What is for anybody signed in takes the right to one's own, to change it where the method is not GET (R13).
        """
        if self.is_public:
            return "none"
        if not self.keys:
            return "refused"
        own = KeyScope.READ if method == "GET" else KeyScope.WRITE
        return (own if self.permission is None else SMALLEST_SCOPE[self.permission]).value


def public(*, looks: bool = False) -> Access:
    """For everybody. A credential is ignored, unless the route `looks` at it to tell some callers more."""
    return Access(is_public=True, looks=looks, keys=False)


def signed_in(*, keys: bool = True) -> Access:
    """For whoever is signed in, whatever their permissions."""
    return Access(keys=keys)


def needs(permission: Permission, *, keys: bool = True) -> Access:
    """For whoever holds the permission. Whose object it is, the service decides."""
    return Access(permission=permission, keys=keys)


class Entrance(Entity, kw_only=True):
    """What stands before one method of a path: who may call it, and how often."""

    access: Access
    tier: Tier | None = None


FOR_READING: Final = {"GET": Entrance(access=public())}
"""What stands before a page."""


class UndeclaredRoute(Exception):  # noqa: N818 (named for what it is)
    """A route says nothing about who may call it; the server refuses to start with it."""


def entrances_of(handler: BaseRouteHandler) -> Mapping[str, Entrance]:
    """What stands before each method of the route's path; empty if nothing is declared, or anything else than that."""
    entrances: object = handler.opt.get(ENTRANCES)
    if not isinstance(entrances, dict):
        return {}
    declared = cast(dict[str, object], entrances)
    return {method: one for method, one in declared.items() if isinstance(one, Entrance)}


def entrance_of(handler: BaseRouteHandler, method: str) -> Entrance | None:
    """What stands before one method; None where nothing is declared for it."""
    entrances: object = handler.opt.get(ENTRANCES)
    entrance = cast("dict[str, object]", entrances).get(method) if isinstance(entrances, dict) else None
    return entrance if isinstance(entrance, Entrance) else None


def check_declarations(routes: Iterable[BaseRoute]) -> None:
    """Look at every route before the first request comes.

    Raises:
        UndeclaredRoute: one declares nothing; the message names it.
    """
    for route in routes:
        for handler in handlers_of(route):
            if not entrances_of(handler):
                message = f"{route.path} ({handler}) declares neither public(), signed_in() nor needs(…)"
                raise UndeclaredRoute(message)


def handlers_of(route: BaseRoute) -> list[BaseRouteHandler]:
    """Every handler behind a route."""
    return list(getattr(route, "route_handlers", None) or [route.route_handler])  # type: ignore[attr-defined]  # some kinds of route have one
