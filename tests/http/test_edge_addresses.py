"""Whose address a request has: the peer's, or what a trusted proxy says."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revenge_core.limits.policy import address_key
from revenge_http.edge.address import Proxies, plain_address
from tests.http.support import MEMBER, PEER, PROXY, TRUSTED, Connect


async def address_of(connect: Connect, forwarded: str | None, *, peer: str = PEER, trusted: object = ()) -> str | None:
    """The address that ends up in the audit."""
    client = connect(peer=peer, trusted_proxies=trusted)
    headers = {"x-forwarded-for": forwarded, "x-real-ip": "6.6.6.6", "forwarded": "for=6.6.6.6"} if forwarded else {}
    await client.post("/api/v1/auth/register", json=MEMBER)
    party = await client.post("/api/v1/auth/login", json=MEMBER, headers=headers)
    token = {"authorization": f"Bearer {party.json()['access_token']}"}
    shown: str = (await client.get("/api/v1/sessions/current", headers=token)).json()["ip_address"]
    return shown or None


@pytest.mark.asvs("4.1.3")
@pytest.mark.asvs("15.3.4")
@pytest.mark.parametrize("forged", ["1.2.3.4", "1.2.3.4, 10.0.0.1", "127.0.0.1", "::1", "garbage", "10.0.0.1"])
async def test_a_forged_header_changes_nothing(connect: Connect, forged: str) -> None:
    assert await address_of(connect, forged) == PEER
    assert await address_of(connect, forged, trusted=TRUSTED) == PEER


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("203.0.113.5, 10.1.1.1", "203.0.113.5"),
        ("6.6.6.6, 203.0.113.5, 10.1.1.1", "203.0.113.5"),
        ("6.6.6.6, 203.0.113.5:4711", "203.0.113.5"),
        ("2001:DB8::7", "2001:db8::7"),
        ("[2001:db8::7]:443, fd00::1", "2001:db8::7"),
        ('"[2001:db8::7]"', "2001:db8::7"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:203.0.113.5", "203.0.113.5"),
        ("10.2.2.2, 10.3.3.3", "10.2.2.2"),
        ("6.6.6.6, unknown", PROXY),
        ("6.6.6.6, ", PROXY),
        ("6.6.6.6, 203.0.113.5 10.0.0.1", PROXY),
        ("6.6.6.6, 999.1.1.1", PROXY),
        ("6.6.6.6, \x00", PROXY),
        (",,,,", PROXY),
        (None, PROXY),
    ],
)
async def test_the_list_of_a_trusted_proxy_is_read_from_the_right(
    connect: Connect, forwarded: str | None, client: str
) -> None:
    assert await address_of(connect, forwarded, peer=PROXY, trusted=TRUSTED) == client


def test_several_headers_are_one_list() -> None:
    proxies = Proxies(TRUSTED, trust_unix_socket=False)
    assert proxies.client(PROXY, [b"6.6.6.6", b"203.0.113.5, 10.1.1.1"]) == "203.0.113.5"


def test_an_endless_list_of_trusted_proxies_is_cut() -> None:
    proxies = Proxies(TRUSTED, trust_unix_socket=False)
    assert proxies.client(PROXY, [b"6.6.6.6", *[b"10.1.1.1"] * 5000]) == "10.1.1.1"


def test_an_ipv4_peer_on_an_ipv6_socket_is_an_ipv4_peer() -> None:
    proxies = Proxies(TRUSTED, trust_unix_socket=False)
    assert proxies.client("::ffff:10.0.0.1", [b"203.0.113.5"]) == "203.0.113.5"
    assert plain_address("::ffff:192.0.2.1") == "192.0.2.1"


def test_a_peer_on_the_unix_socket_is_a_proxy_where_that_is_trusted() -> None:
    assert Proxies((), trust_unix_socket=True).client(None, [b"203.0.113.5"]) == "203.0.113.5"
    assert Proxies((), trust_unix_socket=False).client(None, [b"203.0.113.5"]) is None


OUTSIDE = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).filter(
    lambda one: not any(plain(one) in network for network in TRUSTED)
)
INSIDE = st.one_of(st.ip_addresses(network="10.0.0.0/8"), st.ip_addresses(network="fd00::/8"))
GARBAGE = st.text(st.characters(max_codepoint=255, exclude_characters=",\r\n\x00"), max_size=40)


def plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address inside an IPv6 one, where there is one."""
    return getattr(address, "ipv4_mapped", None) or address


def written(address: IPv4Address | IPv6Address, form: int) -> str:
    """As proxies write addresses: bare, with a port, in quotes, as an IPv6 address."""
    if isinstance(address, IPv6Address):
        return (str(address), f"[{address}]", f"[{address}]:443", f'"[{address}]:443"', address.exploded.upper())[form]
    return (str(address), f"{address}:443", f'"{address}"', f'"{address}:443"', f"::ffff:{address}")[form]


@given(
    forged=st.lists(GARBAGE, max_size=5),
    client=OUTSIDE,
    hops=st.lists(INSIDE, max_size=10),
    forms=st.lists(st.integers(0, 4), min_size=11, max_size=11),
)
def test_defect_06_whatever_stands_left_of_the_client_changes_nothing(
    forged: list[str],
    client: IPv4Address | IPv6Address,
    hops: list[IPv4Address | IPv6Address],
    forms: list[int],
) -> None:
    proxies = Proxies(TRUSTED, trust_unix_socket=False)
    honest = [written(one, form) for one, form in zip((client, *hops), forms, strict=False)]
    header = ", ".join([*forged, *honest]).encode("latin-1")
    assert proxies.client(PROXY, [header]) == str(plain(client))


@given(peer=OUTSIDE, headers=st.lists(st.binary(max_size=60), max_size=3))
def test_defect_06_a_peer_that_nobody_trusts_is_itself_whatever_it_says(
    peer: IPv4Address | IPv6Address, headers: list[bytes]
) -> None:
    proxies = Proxies(TRUSTED, trust_unix_socket=False)
    assert proxies.client(str(peer), headers) == str(plain(peer))


@given(headers=st.lists(st.binary(max_size=200), max_size=4))
def test_any_bytes_of_a_trusted_proxy_are_an_address_or_its_own(headers: list[bytes]) -> None:
    found = Proxies(TRUSTED, trust_unix_socket=False).client(PROXY, headers)
    assert found is not None
    assert str(ip_address(found)) == found


@given(address=st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)), form=st.integers(0, 4))
def test_an_address_is_the_same_however_it_is_written(address: IPv4Address | IPv6Address, form: int) -> None:
    assert plain_address(written(address, form)) == str(plain(address))


@pytest.mark.parametrize("hops", [33, 1000, 20_000])
def test_of_a_list_without_end_the_last_hops_are_read(hops: int) -> None:
    header = b", ".join([b"6.6.6.6", *[b"10.0.0.1"] * hops])
    assert Proxies(TRUSTED, trust_unix_socket=False).client(PROXY, [header]) == "10.0.0.1"


def test_long_garbage_is_not_remembered() -> None:
    plain_address.cache_clear()
    proxies = Proxies(TRUSTED, trust_unix_socket=False)
    assert proxies.client(PROXY, [b"x" * 30_000]) == PROXY
    assert plain_address.cache_info().currsize <= 1


@given(network=st.integers(0, 2**64 - 1), one=st.integers(0, 2**64 - 1), other=st.integers(0, 2**64 - 1))
def test_all_addresses_of_one_ipv6_network_are_one_client_to_limits(network: int, one: int, other: int) -> None:
    first, second = (address_key(str(IPv6Address(network << 64 | host))) for host in (one, other))
    assert first == second
    assert ip_network(first).prefixlen == 64


@given(st.one_of(st.none(), st.text(max_size=50)))
def test_what_is_no_address_has_a_key_too(address: str | None) -> None:
    assert address_key(address)
