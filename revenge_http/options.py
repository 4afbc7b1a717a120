"""What the HTTP edge is told by whoever starts it. Handlers and middleware see these values, never settings."""

from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network
from typing import Final, Literal

from revenge_core.entity import Entity
from revenge_core.secrets import Secret

Network = IPv4Network | IPv6Network

KIBIBYTE: Final = 1024


class CookieMode(Entity, kw_only=True):
    """Cookies for browsers, besides tokens (decisions W9)."""

    csrf_key: Secret
    """What CSRF tokens are made with. All servers of one database have the same."""
    domain: str | None = None
    """Without it, cookies go to this host alone."""
    same_site: Literal["lax", "none", "strict"] = "lax"


class HttpOptions(Entity, kw_only=True):
    """How the server presents and protects itself.

    `path_prefix` starts with a slash and does not end in one; it is empty where there is none.
    """

    server_name: str = "Revenge"
    version: str = "0"
    public_url: str | None = None
    path_prefix: str = ""
    trusted_proxies: tuple[Network, ...] = ()
    trust_unix_socket: bool = False
    """Whether whoever connects through the unix socket is a proxy to be believed: its mode says who can."""
    docs: bool = True
    max_body_bytes: int = 1024 * KIBIBYTE
    max_header_bytes: int = 32 * KIBIBYTE
    body_timeout: float = 30
    """Seconds in which a request's body must have arrived."""
    cors_origins: tuple[str, ...] = ()
    cookies: CookieMode | None = None
    """None: there are none, and none that come mean anything."""
    access_log: bool = False
    observe: Callable[[str, str, int, float], None] | None = None
    """Told of each request: method, template of the path (empty where no route fits), status, seconds."""
    counted: Callable[[str, bool], None] | None = None
    """Told of each request that a limit counted: the limit's tier, and whether it let the request through."""
