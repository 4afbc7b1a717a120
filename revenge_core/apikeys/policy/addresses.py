"""From where a key is taken."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, collapse_addresses, ip_address, ip_network
from typing import Final, TypeAlias

ADDRESS_MAX: Final = 49
"""The longest way to write an IPv6 network."""

Network: TypeAlias = IPv4Network | IPv6Network


def canonical(addresses: Iterable[str]) -> tuple[str, ...]:
    """The same networks, each address in one of them only, as few as possible, in order.

    Raises:
        ValueError: one is no network.
    """
    networks = [parsed(address) for address in addresses]
    fours = collapse_addresses(one for one in networks if isinstance(one, IPv4Network))
    sixes = collapse_addresses(one for one in networks if isinstance(one, IPv6Network))
    return (*map(str, fours), *map(str, sixes))


def is_taken_from(addresses: tuple[str, ...] | None, address: str | None) -> bool:
    """Whether a key that is bound to these networks is taken from this address; not where nobody knows it."""
    if addresses is None:
        return True
    try:
        known = ip_address(address or "")
    except ValueError:
        return False
    if isinstance(known, IPv6Address) and known.ipv4_mapped is not None:
        known = known.ipv4_mapped
    return any(known in network for network in _networks(addresses))


def place_of(address: str | None) -> str:
    """Where a refused caller is, to tell it once: for IPv6 a network of 64 bits, all of which one customer has."""
    try:
        known = ip_address(address or "")
    except ValueError:
        return "unknown"
    return str(ip_network((int(known), 64), strict=False)) if isinstance(known, IPv6Address) else str(known)


@lru_cache(maxsize=4096)
def _networks(addresses: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(map(parsed, addresses))


def parsed(text: str) -> Network:
    """The network; an IPv4 one that is written as an IPv6 one (RFC 4291, 2.5.5.2) is the IPv4 network.

    Raises:
        ValueError: it is none, has bits beyond its prefix, or names a zone of one machine.
    """
    if len(text) > ADDRESS_MAX or "%" in text:
        raise ValueError
    network = ip_network(text)
    if isinstance(network, IPv6Network) and network.prefixlen >= _MAPPED.prefixlen and network.subnet_of(_MAPPED):
        return IPv4Network((int(network.network_address) & 0xFFFF_FFFF, network.prefixlen - _MAPPED.prefixlen))
    return network


_MAPPED: Final = IPv6Network("::ffff:0:0/96")


def lie_in(inner: tuple[str, ...], outer: tuple[str, ...]) -> bool:
    """Whether each of these networks is part of one of those. Exact for networks in their canonical form."""
    return all(any(_is_part(one, other) for other in _networks(outer)) for one in _networks(inner))


def _is_part(one: Network, other: Network) -> bool:
    if isinstance(one, IPv4Network):
        return isinstance(other, IPv4Network) and one.subnet_of(other)
    return isinstance(other, IPv6Network) and one.subnet_of(other)
