"""What a route asks of its caller. Every route declares it; one that doesn't is refused (decisions A3)."""

from collections.abc import Iterable
from typing import Final

from litestar.handlers.base import BaseRouteHandler
from litestar.routes import BaseRoute

from revenge_core.entity import Entity
from revenge_core.permissions import Permission

ACCESS: Final = "access"
"""The key in a route's `opt`."""


class Access(Entity, kw_only=True):
    """The declaration of one route. Made by `public`, `signed_in` and `needs`."""

    is_public: bool = False
    looks: bool = False
    """A public route that uses a good credential, and holds a bad one against nobody."""
    permission: Permission | None = None
    keys: bool = True
    """Whether an API key will do, besides a session (rulings R13)."""

    def key_scope(self, method: str) -> str:
        """The scope that an API key needs for this: `none` where keys are refused or nobody is asked."""
        if self.is_public or not self.keys:
            return "none"
        return "read" if method == "GET" else "write"


def public(*, looks: bool = False) -> Access:
    """For everybody. A credential is ignored, unless the route `looks` at it to tell some callers more."""
    return Access(is_public=True, looks=looks, keys=False)


def signed_in(*, keys: bool = True) -> Access:
    """For whoever is signed in, whatever their permissions."""
    return Access(keys=keys)


def needs(permission: Permission, *, keys: bool = True) -> Access:
    """For whoever holds the permission. Whose object it is, the service decides."""
    return Access(permission=permission, keys=keys)


class UndeclaredRoute(Exception):  # noqa: N818 (named for what it is)
    """A route says nothing about who may call it; the server refuses to start with it."""


def declared_by(handler: BaseRouteHandler) -> Access | None:
    """What the route declares; None if it declares nothing."""
    access = handler.opt.get(ACCESS)
    return access if isinstance(access, Access) else None


def check_declarations(routes: Iterable[BaseRoute]) -> None:
    """Look at every route before the first request comes.

    Raises:
        UndeclaredRoute: one declares nothing; the message names it.
    """
    for route in routes:
        for handler in handlers_of(route):
            if declared_by(handler) is None:
                message = f"{route.path} ({handler}) declares neither public(), signed_in() nor needs(…)"
                raise UndeclaredRoute(message)


def handlers_of(route: BaseRoute) -> list[BaseRouteHandler]:
    """Every handler behind a route."""
    return list(getattr(route, "route_handlers", None) or [route.route_handler])  # type: ignore[attr-defined]  # some kinds of route have one
