"""Who is calling, when proxies stand in between (decisions W4).

`X-Forwarded-For` grows to the right, so it is read from there: each address was written by the one to its right, and
counts only if that one is a trusted proxy. Whatever a client writes itself ends up further left, and changes nothing.
"""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Final

from revenge_http.options import Network

MAX_HOPS: Final = 32
"""More proxies than that are nobody's network."""
MAX_LENGTH: Final = 100
"""No address is longer, with quotes, brackets, zone and port; longer garbage is not even remembered."""


class Proxies:
    """The proxies that an operator trusts."""

    def __init__(self, trusted: Sequence[Network], *, trust_unix_socket: bool) -> None:
        self._trusted = tuple(trusted)
        self._trust_unix_socket = trust_unix_socket
        self.trusts = lru_cache(maxsize=4096)(self._trusts)
        self.any = bool(trusted) or trust_unix_socket
        """Whether there are any; without, no header has to be looked at."""

    def client(self, peer: str | None, forwarded_for: Sequence[bytes]) -> str | None:
        """The address of the client; None where it cannot be known.

        Where a proxy passes on garbage, its own address is the best there is.
        """
        client = plain_address(peer or "")
        if not self.trusts(peer):
            return client
        hops = b",".join(forwarded_for).decode("latin-1").split(",") if forwarded_for else []
        for hop in reversed(hops[-MAX_HOPS:]):
            further = plain_address(hop) if len(hop) <= MAX_LENGTH else None
            if further is None:
                break
            client = further
            if not self.trusts(client):
                break
        return client

    def _trusts(self, peer: str | None) -> bool:
        if not peer:
            return self._trust_unix_socket
        plain = plain_address(peer)
        return plain is not None and any(ip_address(plain) in network for network in self._trusted)


@lru_cache(maxsize=4096)
def plain_address(text: str) -> str | None:
    """The address in one element of the list: with or without a port, IPv6 in brackets or not. None for anything else.

    An IPv4 address inside an IPv6 one is that IPv4 address: otherwise one client would have two, and a network of
    trusted proxies would not match.
    """
    bare = text.strip().strip('"')
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
