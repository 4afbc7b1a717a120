"""Whose requests are counted together."""

from datetime import timedelta
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from revenge_core.limits.entities import Quota, Tier

IPV6_PREFIX: Final = 64
"""What one subscriber has at least: whoever has it can use all of its addresses (RFC 6177)."""
IPV6_CROWD: Final = 48
UNKNOWN: Final = "unknown"
_TIERS: Final = frozenset(tier.value for tier in Tier)


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


@lru_cache(maxsize=1024)
def per_minute(requests: int) -> Quota:
    """The quota of an API key that may send so many requests in a minute."""
    return Quota(burst=requests, window=timedelta(minutes=1))


def crowd_of(key: str) -> str:
    """With whom a client shares a place where too many are known: those of its /48 (IPv6) or /24 (IPv4), same tier.

    One customer of a provider has a /48 at most as a rule (RFC 6177), so nobody fills the places of others with it.
    """
    tier, _, address = key.partition(":") if key.partition(":")[0] in _TIERS else ("", "", key)
    if address.endswith(f"/{IPV6_PREFIX}"):
        return f"{tier}:{ip_network(address).supernet(new_prefix=IPV6_CROWD)}"
    return key.rpartition(".")[0] or key
