"""Whose requests are counted together."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

IPV6_PREFIX: Final = 64
"""What one subscriber has at least: whoever has it can use all of its addresses (RFC 6177)."""
UNKNOWN: Final = "unknown"


@lru_cache(maxsize=4096)
def address_key(address: str | None) -> str:
    """The address under which a client is counted: its own, for IPv6 its network of 64 bits. `unknown` for none."""
    if address is None:
        return UNKNOWN
    try:
        known = ip_address(address)
    except ValueError:
        return UNKNOWN
    if isinstance(known, IPv6Address):
        return str(ip_network((int(known), IPV6_PREFIX), strict=False))
    return str(known)
