"""Whose address a request has: the peer's, or what a trusted proxy says."""

import pytest

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
